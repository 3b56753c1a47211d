"""Signatures of languages (paper 2): what a multilingual model shares with models of one language each, direction by direction."""
