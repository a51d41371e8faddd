"""Training and measuring of marque-mask-tiny."""
