# SPDX-License-Identifier: BSL-1.0
"""All rows of I/O."""
import bulk
import echo
import hashing


def rows(build, peers):
    """The rows, and the order in which those who do them are told."""
    small, order = echo.rows(build, peers)
    large, more = bulk.rows(build)
    trees, others = hashing.rows(build)
    return [*small, *large, *trees], [*order, *more, *others]
