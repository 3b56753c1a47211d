"""Signatures of languages in a multilingual model (paper 2): covariances with monolingual models, and PARAFAC2 fits of them."""
