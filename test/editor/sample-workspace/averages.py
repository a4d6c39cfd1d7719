"""Averages. Put the cursor at the end of a line and press Enter,
or start a new function at the end of the file.
"""

import math


def mean(values):
    """Arithmetic mean of a non-empty sequence."""
    if not values:
        raise ValueError("mean of an empty sequence")
    return sum(values) / len(values)


def variance(values):
    """Population variance of a non-empty sequence."""
    center = mean(values)
    return sum((value - center) ** 2 for value in values) / len(values)


def standard_deviation(values):
    """Square root of the variance."""
    return math.sqrt(variance(values))


def median(values):
    """Middle value; the mean of the two middle ones when their number is even."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
