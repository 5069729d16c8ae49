"""What the runner does, a file a step; it goes through them again and again.

desk         what it has before it: the store, its index, what is under way
preparing    reads and splits data, beside the loop
checking     checks the models that runs have trained, beside the loop
queueing     puts into the queue what is asked for, and what has become possible
starting     starts what can start, and has a place
ending       says how work has ended
again        takes up work that was cut off, or that was asked for anew
tidying      moves what was deleted into the bin, and takes away what nobody needs
"""
