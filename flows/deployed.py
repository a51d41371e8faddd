"""The Prefect flows of the recipes, for `prefect.yaml`; importing this module imports Prefect."""

from flows import crawl, ingest, label, quality, review, search, training, withdraw

ingest_flow = ingest.ingest.flow
embed_flow = ingest.embed.flow
publish_flow = ingest.publish.flow
reset_flow = ingest.reset.flow
crawl_autoscout24_flow = crawl.crawl_autoscout24.flow
crawl_commons_flow = crawl.crawl_commons.flow
label_flow = label.label.flow
train_heads_flow = training.train_heads.flow
label_quality_flow = quality.label_quality.flow
review_import_flow = review.review_import.flow
search_flow = search.search.flow
withdraw_flow = withdraw.withdraw.flow
