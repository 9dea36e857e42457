-- name: load
SELECT account_id, first_name, last_name, company, address, address2, city, state, zipcode, country,
       telephone, vat, tax_id_type, billing_email, secondary_billing_email, preferred_locale,
       version, created_on, edited_on, deleted_on
FROM profiles
WHERE account_id = ANY($1::text[]);

-- name: save
-- One parameter: an array of rows. The version guard is a backstop; the account's lock is the rule.
INSERT INTO profiles AS kept
    (account_id, first_name, last_name, company, address, address2, city, state, zipcode, country,
     telephone, vat, tax_id_type, billing_email, secondary_billing_email, preferred_locale,
     version, created_on, edited_on, deleted_on)
SELECT account_id, first_name, last_name, company, address, address2, city, state, zipcode, country,
       telephone, vat, tax_id_type, billing_email, secondary_billing_email, preferred_locale,
       version, created_on, edited_on, deleted_on
FROM unnest($1::profile_in_v1[])
ON CONFLICT (account_id) DO UPDATE SET
    first_name = excluded.first_name,
    last_name = excluded.last_name,
    company = excluded.company,
    address = excluded.address,
    address2 = excluded.address2,
    city = excluded.city,
    state = excluded.state,
    zipcode = excluded.zipcode,
    country = excluded.country,
    telephone = excluded.telephone,
    vat = excluded.vat,
    tax_id_type = excluded.tax_id_type,
    billing_email = excluded.billing_email,
    secondary_billing_email = excluded.secondary_billing_email,
    preferred_locale = excluded.preferred_locale,
    version = excluded.version,
    created_on = excluded.created_on,
    edited_on = excluded.edited_on,
    deleted_on = excluded.deleted_on
WHERE kept.version < excluded.version;

-- name: shown
-- All that is shown of one profile: with the account's type and the method that is charged first, each by its key.
SELECT accounts.type AS account_type, method.details, method.billing,
       kept.account_id, kept.first_name, kept.last_name, kept.company, kept.address, kept.address2, kept.city,
       kept.state, kept.zipcode, kept.country, kept.telephone, kept.vat, kept.tax_id_type, kept.billing_email,
       kept.secondary_billing_email, kept.preferred_locale, kept.version, kept.created_on, kept.edited_on,
       kept.deleted_on
FROM accounts
LEFT JOIN profiles AS kept ON kept.account_id = accounts.id
LEFT JOIN payment_methods AS method ON method.account_id = accounts.id AND method.is_default
WHERE accounts.id = $1;
