"""What sources, networks and people say is in a photo becomes its labels, which are published.

It imports `embeddings`, `catalog`, `crawlers` and `core`. Start with `labeling.consensus`, how
statements become a label, and `labeling.publish.publish`; `labeling.review` is for people.
"""
