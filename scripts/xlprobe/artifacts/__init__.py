"""Reads what lies in results: so an edit of what makes a file makes again only what it makes."""
