"""The Prefect flows of the recipes, for `prefect.yaml`; importing this module imports Prefect."""

from crawlers.engine.registry import site_names
from flows import ingest, label, quality, review, search, siamese, training, withdraw
from flows.crawl import crawl_recipe

ingest_flow = ingest.ingest.flow
embed_flow = ingest.embed.flow
publish_flow = ingest.publish.flow
reset_flow = ingest.reset.flow
label_flow = label.label.flow
train_heads_flow = training.train_heads.flow
train_siamese_flow = siamese.train_siamese.flow
label_quality_flow = quality.label_quality.flow
review_import_flow = review.review_import.flow
search_flow = search.search.flow
withdraw_flow = withdraw.withdraw.flow

# `crawl_<site>_flow` for each site.
globals().update({f"crawl_{site}_flow": crawl_recipe(site).flow for site in site_names()})
