"""The rules of a billing profile, as pure functions of its fields (field name -> text or None).

`examine` takes a whole profile: its normal form and what is wrong with that. For less there are `normalise`
and then `problems` or, for a change of some fields, `problems_of`.
`suggest` offers an address in its country's spelling, `tax_context` and `stripe_tax_id` say what the
profile means for tax, and `e164` writes its telephone number for machines.

What the libraries behind it know (address rules, check digits, numbering plans) is read from their
installed data the first time a country is met, and kept.
"""

from handlers.profile_rules.examination import examine
from handlers.profile_rules.fields import FIELDS, Field, Fields
from handlers.profile_rules.normal_form import normalise
from handlers.profile_rules.problems import problems, problems_of
from handlers.profile_rules.suggestions import Suggestion, suggest
from handlers.profile_rules.tax_context import StripeTaxId, TaxContext, stripe_tax_id, tax_context
from handlers.profile_rules.tax_ids import TaxId, read_tax_id, tax_id_type
from handlers.profile_rules.telephones import e164

__all__ = [
    "FIELDS",
    "Field",
    "Fields",
    "StripeTaxId",
    "Suggestion",
    "TaxContext",
    "TaxId",
    "e164",
    "examine",
    "normalise",
    "problems",
    "problems_of",
    "read_tax_id",
    "stripe_tax_id",
    "suggest",
    "tax_context",
    "tax_id_type",
]
