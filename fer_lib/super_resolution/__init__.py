"""Super-resolution: pairs of faces made by shrinking, SRGAN trained on them, its quality, and enlarged data sets.

`pairs`, `quality` and `enlarging` load without TensorFlow; `training` and `applying` bring it in.
"""
