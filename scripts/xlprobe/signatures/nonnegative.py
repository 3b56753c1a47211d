"""Non-negative least squares by hierarchical alternating least squares (Gillis & Glineur 2012), as tensorly 0.10.0's `hals_nnls`.

Shape letters: L rows (slices), R components.
"""

import torch

# Sweeps over the components, as `non_negative_parafac_hals` of tensorly asks for. Its test for stopping early compares rows that
# are not the same one, and stops nothing.
SWEEPS = 5
# Components whose updates change one another's at once; all later ones learn of a block together, in one product.
BLOCK = 48


def nonnegative_least_squares(products_LR: torch.Tensor, gram_RR: torch.Tensor, start_LR: torch.Tensor) -> torch.Tensor:
    """Sweeps towards the A >= 0 that minimises ||Y - A D^T||^2, one component after another, each at its optimum given the others.

    Args:
        products_LR: Y D.
        gram_RR: D^T D; a component whose diagonal is 0 keeps its values.
        start_LR: where the sweeps start.

    Returns:
        A, [L, R].
    """
    rank = len(gram_RR)
    # A row a component, so that what a step reads lies together.
    a_RL = start_LR.T.contiguous()
    scales = gram_RR.diagonal().tolist()
    for _ in range(SWEEPS):
        # What is left of the products, kept up to date: for the components of the block at each step, for all others block by block.
        slope_RL = torch.addmm(products_LR.T, gram_RR, a_RL, alpha=-1)
        for first in range(0, rank, BLOCK):
            last = min(first + BLOCK, rank)
            before_BL = a_RL[first:last].clone()
            within_BB = gram_RR[first:last, first:last].contiguous()
            slope_BL = slope_RL[first:last]
            for place, scale in enumerate(scales[first:last]):
                if scale:
                    own_L = a_RL[first + place]
                    new_L = torch.add(own_L, slope_BL[place], alpha=1 / scale).clamp_(min=0)
                    slope_BL.addr_(within_BB[place], new_L - own_L, alpha=-1)
                    own_L.copy_(new_L)
            if last < rank:
                slope_RL[last:].addmm_(gram_RR[last:, first:last], a_RL[first:last] - before_BL, alpha=-1)
    return a_RL.T.contiguous()
