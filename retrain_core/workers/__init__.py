"""What worker processes share, none of which loads TensorFlow; and the worker that measures shift, which needs no model.

``events``     a worker's word to those who watch
``forkserver`` keeps a worker's imports warm and forks it
``locked``     locks a worker in, then lets it work
``measuring``  the worker that measures
``processes``  how much memory a worker has used
``ties``       how a worker is tied to who started it
"""
