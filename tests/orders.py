"""Holds the table that queries are tried on: names with quotes, dates, separators in numbers, one that is missing."""

from r1router.table import TableBlock

ORDERS = TableBlock(
    "Orders",
    header=("Order", "Customer", "Country", "Date", "Amount (€)"),
    rows=(
        ("1", "Brandt & Sons", "Norway", "2025-03-02", "120.50"),
        ("2", "O'Hara", "Ireland", "2025-03-09", "80"),
        ("3", "Brandt & Sons", "Norway", "2025-04-01", "1,240"),
        ("4", "Lindqvist", "Sweden", "2025-04-22", "300"),
        ("5", "Moe", "Norway", "2025-03-30", "n/a"),
    ),
)
