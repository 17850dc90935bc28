"""Rules over facts, flake8's door to them, suppressions and the baseline. libcst is never loaded here."""
