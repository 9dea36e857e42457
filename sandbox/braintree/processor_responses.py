"""What processors answer to an authorization and at settlement: codes, texts, and whether trying again helps.

Source: developer.paypal.com/braintree/docs/reference/general/processor-responses (authorization, settlement).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `type` is approved, soft_declined (another try may succeed) or hard_declined."""

    code: str
    text: str
    type: str


_TYPES = {"+": "approved", "~": "soft_declined", "!": "hard_declined"}
_WRITTEN = """
1000 + Approved
1002 + Processed
2000 ~ Do Not Honor
2001 ~ Insufficient Funds
2002 ~ Limit Exceeded
2003 ~ Cardholder's Activity Limit Exceeded
2004 ! Expired Card
2005 ! Invalid Credit Card Number
2006 ! Invalid Expiration Date
2007 ! No Account
2008 ! Card Account Length Error
2009 ! No Such Issuer
2010 ! Card Issuer Declined CVV
2011 ! Voice Authorization Required
2012 ! Processor Declined - Possible Lost Card
2013 ! Processor Declined - Possible Stolen Card
2014 ! Processor Declined - Fraud Suspected
2015 ! Transaction Not Allowed
2016 ~ Duplicate Transaction
2017 ! Cardholder Stopped Billing
2018 ! Cardholder Stopped All Billing
2019 ! Invalid Transaction
2021 ! Security Violation
2024 ! Card Type Not Enabled
2026 ~ Invalid Merchant ID
2033 ! Inconsistent Data
2034 ~ No Action Taken
2038 ~ Processor Declined
2043 ! Error - Do Not Retry, Call Issuer
2044 ! Declined - Call Issuer
2046 ~ Declined
2047 ! Call Issuer. Pick Up Card
2048 ~ Invalid Amount
2053 ! Card reported as lost or stolen
2057 ~ Issuer or Cardholder has put a restriction on the card
2063 ! PayPal Business Account preference resulted in the transaction failing
2064 ! Invalid Currency Code
2066 ! PayPal Business Account Restricted
2067 ! Authorization Expired
2068 ! PayPal Business Account Locked or Closed
2069 ! PayPal Blocking Duplicate Order IDs
2070 ! PayPal Buyer Revoked Pre-Approved Payment Authorization
2071 ! PayPal Payee Account Invalid Or Does Not Have a Confirmed Email
2072 ! PayPal Payee Email Incorrectly Formatted
2073 ! PayPal Validation Failed
2074 ! Funding Instrument In The PayPal Account Was Declined By The Processor Or Bank
2075 ! Payer Account Is Locked Or Closed
2076 ! Payer Cannot Pay For This Transaction With PayPal
2077 ! Transaction Refused Due To PayPal Risk Model
2079 ! PayPal Merchant Account Configuration Error
2081 ! PayPal pending payments are not supported
2082 ! PayPal Domestic Transaction Required
2085 ! PayPal Payee Blocked Transaction
2086 ! PayPal Transaction Limit Exceeded
2087 ! PayPal reference transactions not enabled for your account
2088 ! Currency not enabled for your PayPal seller account
2091 ! Currency of this transaction must match currency of your PayPal account
2093 ! PayPal payment method is invalid
2094 ! PayPal payment has already been completed
2097 ! PayPal authorization amount limit exceeded
3000 ~ Processor Network Unavailable - Try Again
4000 + Settled
4001 ! Settlement Declined
4002 + Settlement Pending
4003 ! Already Captured
4004 ! Already Refunded
4005 ! PayPal Risk Rejected
4006 ! Capture Amount Exceeded Allowable Limit
4018 ! PayPal Pending Payments Not Supported
4019 ! PayPal Refund Transaction with an Open Case Not Allowed
4020 ! PayPal Refund Attempt Limit Reached
4021 ! PayPal Refund Transaction Not Allowed
4024 ! Refund Time Limit Exceeded
4025 ! Payer Account Is Locked Or Closed
"""
RESPONSES = {
    line[:4]: Response(line[:4], line[7:], _TYPES[line[5]]) for line in _WRITTEN.strip().splitlines()
}


def response(code: str) -> Response:
    """The answer with this code; one that has no text of its own is a plain decline, which may be tried again."""
    return RESPONSES.get(code) or Response(code, "Processor Declined", "soft_declined")
