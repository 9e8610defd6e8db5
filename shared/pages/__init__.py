"""What every server-rendered page of Relance has in common: secrets, strict headers, and pages that renew themselves."""
