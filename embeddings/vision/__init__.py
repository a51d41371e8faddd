"""Networks of torchvision and timm as image encoders.

`features` takes vectors out of a network's layers, `networks` builds one with its weights, and
`encoder` runs it as any other model is run.
"""
