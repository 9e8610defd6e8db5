"""What a learner may see, as plain data: each fact gives the next picture, nothing else does."""
