"""Scrapy item pipelines for listings, in order: `validate`, `store_photo`, `record`."""
