"""What worker processes share, none of which loads TensorFlow; and the worker that measures shift, which needs no model.

``events``     a worker's word to those who watch
``forkserver`` keeps a worker's imports warm and forks it
``measuring``  the worker that measures
``processes``  how a worker is tied to who started it, and what it tells of its memory
"""
