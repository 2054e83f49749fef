"""The edge-case table (coverage facts, section 4), with the contract's choices and what it says beyond the table.

A row is its number, the case in words, the expected answer and the changes to the base case; several rows share a
number where both sides of a limit exist. Expected answers were written from the contract, not from the program. Not
here: what only files or a server show (input that is no JSON, replay on a server).
"""

from __future__ import annotations

from table.rows_again import row as again
from table.rows_beyond import row as beyond
from table.rows_codes import row as codes
from table.rows_settings import row as settings
from table.rows_times import row as times

TABLE = [*times, *settings, *again, *codes, *beyond]
