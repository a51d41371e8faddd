"""Scrapy's settings for a crawl, all passed explicitly: no module, no file, no environment."""

from typing import Any

from crawlers.engine.crawl_state import CrawlState
from crawlers.engine.politeness.agent import TOKEN, user_agent
from crawlers.engine.runner import LOG

_COMPONENTS: dict[str, Any] = {
    "DOWNLOADER_MIDDLEWARES": {
        "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
        "crawlers.engine.politeness.robots.Robots": 100,
        "crawlers.engine.politeness.gate.Gate": 950,
    },
    "EXTENSIONS": {
        "scrapy.extensions.throttle.AutoThrottle": None,
        "crawlers.engine.politeness.throttle.Throttle": 0,
    },
    "ITEM_PIPELINES": {
        "crawlers.engine.pipelines.validate.Validate": 100,
        "crawlers.engine.pipelines.store_photo.StorePhoto": 200,
        "crawlers.engine.pipelines.record.StoreListing": 300,
    },
    "DOWNLOAD_HANDLERS": dict.fromkeys(("data", "file", "ftp", "s3")),  # only http(s) stays
    "REQUEST_FINGERPRINTER_CLASS": "crawlers.engine.politeness.fingerprint.PhotoFingerprinter",
    "TWISTED_DNS_RESOLVER": "crawlers.engine.politeness.resolver.PublicResolver",
    "METAREFRESH_ENABLED": False,
    "MEDIA_ALLOW_REDIRECTS": True,  # each hop passes the gate
    "REDIRECT_MAX_TIMES": 3,
    "RETRY_TIMES": 2,
    "RETRY_HTTP_CODES": [500, 502, 503, 504, 408],  # the gate handles 429
}


def crawl_settings(crawl: CrawlState) -> dict[str, Any]:
    """The settings of one crawl; raises `NoContactError` for a live one without a contact."""
    pace = crawl.job.pace or crawl.site.pace
    pages = {"delay": pace.delay, "concurrency": pace.concurrency}
    photos = {"delay": pace.photo_delay, "concurrency": pace.photo_concurrency}
    slots = {crawl.web.name(host): dict(pages) for host in crawl.site.hosts}
    slots |= {crawl.web.name(host): dict(photos) for host in crawl.site.photo_hosts}
    return _COMPONENTS | {
        "USER_AGENT": user_agent(crawl.job.contact, replica=crawl.web.replica is not None),
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": TOKEN,
        "DOWNLOAD_DELAY": 0,  # each host has its own, below
        "DOWNLOAD_DELAY_JITTER": 0,  # Scrapy's jitter would sometimes halve a Crawl-delay
        "DOWNLOAD_SLOTS": slots,
        "CONCURRENT_REQUESTS": pace.concurrency + pace.photo_concurrency + 1,
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": max(pace.concurrency, pace.photo_concurrency),
        "COOKIES_ENABLED": False,
        "REFERER_ENABLED": False,
        "HTTPPROXY_ENABLED": False,  # a proxy would resolve host names without our checks
        "DOWNLOAD_VERIFY_CERTIFICATES": True,  # off by default in Scrapy
        "DOWNLOAD_TIMEOUT": pace.timeout,
        "DOWNLOAD_MAXSIZE": 32 * 2**20,  # of a page; photos have their own limit
        "DOWNLOAD_WARNSIZE": 0,
        "FILES_STORE": str(crawl.store.folder / "photos"),
        "LOG_FILE": str(crawl.store.folder / LOG),
        "LOG_FILE_APPEND": False,
        "LOG_LEVEL": "INFO",
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,  # a server that runs any code sent to it
        "LOGSTATS_INTERVAL": 60.0,
    }
