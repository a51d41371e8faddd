"""What `marque doctor` looks at: every check answers, none changes anything."""
