"""Rewrites that answer the rules. The only package that loads libcst."""
