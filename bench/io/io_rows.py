# SPDX-License-Identifier: BSL-1.0
"""All rows of I/O."""
import bulk
import echo
import hashing


def rows(build, scratch, peers):
    """The rows, and the order in which those who do them are told."""
    small, order = echo.rows(build, peers)
    large, more = bulk.rows(build, scratch)
    trees, others = hashing.rows(build, scratch)
    return [*small, *large, *trees], [*order, *more, *others]
