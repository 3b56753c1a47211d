"""What lies in results, read here alone: an edit of what makes it makes again only what it makes."""
