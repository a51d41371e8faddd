"""Training and measuring of marque-tiny."""
