"""The trusts of the invented births: real names and sizes, nothing else real."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust, its system, and its babies in a year, by completed weeks of gestation.

    `designation` is the level of neonatal care of its main unit, and `other`
    that of its other maternity units, blank where it has none.
    """

    code: str
    system: str
    name: str
    designation: str
    other: str
    to_27: int
    from_28_to_31: int
    from_32_to_33: int


_BHR = "Barking, Havering and Redbridge University Hospitals NHS Trust"
_LNW = "London North West University Healthcare NHS Trust"

TRUSTS = (
    Trust("R1H", "QMF", "Barts Health NHS Trust", "NICU", "LNU", 70, 115, 115),
    Trust("R1K", "QRV", _LNW, "LNU", "", 20, 25, 35),
    Trust("RAL", "QMJ", "Royal Free London NHS Foundation Trust", "LNU", "SCU", 25, 35, 50),
    Trust("RAP", "QMJ", "North Middlesex University Hospital NHS Trust", "LNU", "", 5, 20, 30),
    Trust("RAS", "QRV", "The Hillingdon Hospitals NHS Foundation Trust", "LNU", "", 10, 25, 25),
    Trust("RAX", "QWE", "Kingston and Richmond NHS Foundation Trust", "LNU", "", 5, 15, 30),
    Trust("RF4", "QMF", _BHR, "LNU", "", 35, 55, 50),
    Trust("RJ1", "QKK", "Guy's and St Thomas' NHS Foundation Trust", "NICU", "", 65, 50, 55),
    Trust("RJ2", "QKK", "Lewisham and Greenwich NHS Trust", "LNU", "", 15, 60, 60),
    Trust("RJ6", "QWE", "Croydon Health Services NHS Trust", "LNU", "", 10, 30, 25),
    Trust(
        *("RJ7", "QWE", "St George's University Hospitals NHS Foundation Trust", "NICU", ""),
        *(45, 45, 50),
    ),
    Trust("RJZ", "QKK", "King's College Hospital NHS Foundation Trust", "NICU", "SCU", 40, 55, 75),
    Trust("RKE", "QMJ", "Whittington Health NHS Trust", "LNU", "", 5, 15, 15),
    Trust(
        *("RQM", "QRV", "Chelsea and Westminster Hospital NHS Foundation Trust", "NICU", "LNU"),
        *(40, 60, 65),
    ),
    Trust("RQX", "QMF", "Homerton Healthcare NHS Foundation Trust", "NICU", "", 35, 35, 45),
    Trust(
        *("RRV", "QMJ", "University College London Hospitals NHS Foundation Trust", "NICU", ""),
        *(50, 55, 50),
    ),
    Trust(
        *("RVR", "QWE", "Epsom and St Helier University Hospitals NHS Trust", "LNU", "SCU"),
        *(10, 20, 35),
    ),
    Trust("RYJ", "QRV", "Imperial College Healthcare NHS Trust", "NICU", "LNU", 95, 85, 105),
)
"""London, with the counts of 2022-23 (NHS Maternity Statistics, OGL v3.0).

Designations are not checked against the neonatal network's own list.
"""

SYSTEMS = {
    "QKK": "South East London",
    "QMF": "North East London",
    "QMJ": "North Central London",
    "QRV": "North West London",
    "QWE": "South West London",
}
"""Integrated care systems of the trusts (Organisation Data Service codes)."""

REGION = ("Y56", "London")
"""The region of the systems."""
