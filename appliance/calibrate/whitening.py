"""Whitens hidden states, so that their cosine says how like rows are.

Much of a state differs between rows of one label. The covariance within labels, shrunk towards a
multiple of the identity, says how much in which direction, and directions are scaled down by it
(within-class covariance normalisation, Hatch, Kajarekar and Stolcke, Interspeech 2006). Directions
in which rows hardly differ are left out first.
"""

from __future__ import annotations

import numpy as np

from appliance.calibrate.shrinkage import TINY, Labels, Rows

SHRINKAGE = 0.3
"""Likeness is about as good from 0.1 to 0.6 (docs/design.md)."""

AXES = 256
"""The most directions that are kept; they are most of what a prompt with a likeness stores."""


def whitening(rows: Rows, gold: Labels) -> Rows:
    """The centre of the rows [n, width], then the axes A: [1 + axes, width], rounded to float16.
    ``gold`` [n] has the numbers of the rows' labels."""
    centre = rows.mean(0)
    basis = _principal(rows - centre)
    means = np.stack([rows[gold == label].mean(0) for label in np.unique(gold)])
    within = rows - means[np.unique(gold, return_inverse=True)[1]]
    floor = max(SHRINKAGE * float((within**2).mean()), 1e-12)
    inside = within @ basis.T
    values, vectors = np.linalg.eigh(inside.T @ inside / len(inside))
    gains = np.sqrt(floor / ((1 - SHRINKAGE) * values.clip(0) + floor))
    axes = (vectors * gains).T @ basis
    found: Rows = np.vstack([centre, axes]).astype("<f2").astype(np.float64)
    return found


def _principal(rows: Rows) -> Rows:
    """The directions [axes, width] in which centred rows differ most. There are no more than the
    rows tell of: among directions in which no two rows differ any choice would be arbitrary."""
    values, vectors = np.linalg.eigh(rows.T @ rows)
    told = int((values > TINY * values[-1]).sum())
    return np.asarray(vectors.T[-min(max(told, 1), AXES) :])


def vectors(rows: Rows, by: Rows) -> Rows:
    """The vectors of length 1 [n, axes] of states [n, width], as ``Likeness.vector`` makes them."""
    found: Rows = (rows - by[0]) @ by[1:].T
    lengths: Rows = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.maximum(lengths, 1e-12)
