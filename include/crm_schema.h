/* crm_schema.h: numbers of the built-in kinds, fields and choices, and the
 * typed layer over crm.h: inline functions that add no symbol.  Included by
 * crm.h.  Generated from lib/model/schema.def by tools/generate_schema.c:
 * change that table, then `make schema`. */
#ifndef CRM_SCHEMA_H
#define CRM_SCHEMA_H

/* Kinds */
enum {
    CRM_KIND_CUSTOMER = 1,
    CRM_KIND_CONTACT = 2,
    CRM_KIND_OPPORTUNITY = 3,
    CRM_KIND_INTERACTION = 4,
    CRM_KIND_USER = 5,
    CRM_KIND_PIPELINE = 6,
    CRM_KIND_STAGE = 7,
    CRM_KIND_PRODUCT = 8,
    CRM_KIND_CAMPAIGN = 9,
    CRM_KIND_TRANSITION = 10,
    CRM_KIND_SETTING = 11,
    CRM_KIND_KIND = 12,
    CRM_KIND_FIELD = 13,
    CRM_KIND_CHOICE = 14,
    CRM_KIND_ANY = 0
};

/* Fields of every kind */
enum {
    CRM_FIELD_ID = 1,
    CRM_FIELD_CREATED_AT = 2,
    CRM_FIELD_CREATED_BY = 3,
    CRM_FIELD_MODIFIED_AT = 4,
    CRM_FIELD_MODIFIED_BY = 5,
    CRM_FIELD_VERSION = 6,
    CRM_FIELD_DELETED_AT = 7,
    CRM_FIELD_OWNER = 8,
    CRM_FIELD_EXTERNAL_IDS = 9,
    CRM_FIELD_TAGS = 10,
    CRM_FIELD_NONE = 0
};

/* Customer */
enum {
    CRM_CUSTOMER_NAME = 16,
    CRM_CUSTOMER_TYPE = 17,
    CRM_CUSTOMER_PARENT = 18,
    CRM_CUSTOMER_INDUSTRY = 19,
    CRM_CUSTOMER_RATING = 20,
    CRM_CUSTOMER_EMPLOYEES = 21,
    CRM_CUSTOMER_ANNUAL_REVENUE = 22,
    CRM_CUSTOMER_DOMAIN = 23,
    CRM_CUSTOMER_EMAILS = 24,
    CRM_CUSTOMER_PHONES = 25,
    CRM_CUSTOMER_ADDRESSES = 26,
    CRM_CUSTOMER_CURRENCY = 27,
    CRM_CUSTOMER_TERRITORY = 28,
    CRM_CUSTOMER_STAGE = 29,
    CRM_CUSTOMER_STAGE_SINCE = 30,
    CRM_CUSTOMER_CREDIT_LIMIT = 31,
    CRM_CUSTOMER_BLACKLISTED = 32,
    CRM_CUSTOMER_VALUE_CLASS = 33,
    CRM_CUSTOMER_WEBSITE = 34,
    CRM_CUSTOMER_DESCRIPTION = 35,
    CRM_CUSTOMER_ARREARS = 36,
    CRM_CUSTOMER_KEY_ACCOUNT = 37,
    CRM_CUSTOMER_TYPE_COMPANY = 1,
    CRM_CUSTOMER_TYPE_PERSON = 2,
    CRM_CUSTOMER_RATING_HOT = 1,
    CRM_CUSTOMER_RATING_WARM = 2,
    CRM_CUSTOMER_RATING_COLD = 3,
    CRM_CUSTOMER_STAGE_ACQUAINTANCE = 1,
    CRM_CUSTOMER_STAGE_STABLE = 2,
    CRM_CUSTOMER_STAGE_DRIFTING = 3,
    CRM_CUSTOMER_STAGE_CHURNED = 4,
    CRM_CUSTOMER_STAGE_RESERVED = 5,
    CRM_CUSTOMER_STAGE_CONSOLIDATED = 6,
    CRM_CUSTOMER_VALUE_CLASS_MOST_VALUABLE = 1,
    CRM_CUSTOMER_VALUE_CLASS_SECOND_TIER = 2,
    CRM_CUSTOMER_VALUE_CLASS_BELOW_ZERO = 3,
    CRM_CUSTOMER_KEY_ACCOUNT_NO = 1,
    CRM_CUSTOMER_KEY_ACCOUNT_POTENTIAL = 2,
    CRM_CUSTOMER_KEY_ACCOUNT_YES = 3
};

/* Contact */
enum {
    CRM_CONTACT_NAME = 16,
    CRM_CONTACT_FIRST_NAME = 17,
    CRM_CONTACT_LAST_NAME = 18,
    CRM_CONTACT_SALUTATION = 19,
    CRM_CONTACT_TITLE = 20,
    CRM_CONTACT_DEPARTMENT = 21,
    CRM_CONTACT_CUSTOMER = 22,
    CRM_CONTACT_REPORTS_TO = 23,
    CRM_CONTACT_EMAILS = 24,
    CRM_CONTACT_PHONES = 25,
    CRM_CONTACT_ADDRESSES = 26,
    CRM_CONTACT_BIRTHDATE = 27,
    CRM_CONTACT_LEAD_SOURCE = 28,
    CRM_CONTACT_DO_NOT_CALL = 29,
    CRM_CONTACT_TIME_ZONE = 30,
    CRM_CONTACT_DESCRIPTION = 31,
    CRM_CONTACT_LEAD_SOURCE_WEB = 1,
    CRM_CONTACT_LEAD_SOURCE_REFERRAL = 2,
    CRM_CONTACT_LEAD_SOURCE_PARTNER = 3,
    CRM_CONTACT_LEAD_SOURCE_EVENT = 4,
    CRM_CONTACT_LEAD_SOURCE_ADVERTISING = 5,
    CRM_CONTACT_LEAD_SOURCE_COLD_CALL = 6
};

/* Opportunity */
enum {
    CRM_OPPORTUNITY_NAME = 16,
    CRM_OPPORTUNITY_CUSTOMER = 17,
    CRM_OPPORTUNITY_PIPELINE = 18,
    CRM_OPPORTUNITY_STAGE = 19,
    CRM_OPPORTUNITY_AMOUNT = 20,
    CRM_OPPORTUNITY_CURRENCY = 21,
    CRM_OPPORTUNITY_PROBABILITY = 22,
    CRM_OPPORTUNITY_PROBABILITY_SOURCE = 23,
    CRM_OPPORTUNITY_FORECAST = 24,
    CRM_OPPORTUNITY_CLOSE_DATE = 25,
    CRM_OPPORTUNITY_TYPE = 26,
    CRM_OPPORTUNITY_CAMPAIGN = 27,
    CRM_OPPORTUNITY_NEXT_STEP = 28,
    CRM_OPPORTUNITY_CLOSED_AT = 29,
    CRM_OPPORTUNITY_LOST_REASON = 30,
    CRM_OPPORTUNITY_LOST_NOTES = 31,
    CRM_OPPORTUNITY_PRIMARY_CONTACT = 32,
    CRM_OPPORTUNITY_PRODUCT = 33,
    CRM_OPPORTUNITY_STARTED_ON = 34,
    CRM_OPPORTUNITY_STAGE_SINCE = 35,
    CRM_OPPORTUNITY_OUTCOME = 36,
    CRM_OPPORTUNITY_DESCRIPTION = 37,
    CRM_OPPORTUNITY_LEAD_SOURCE = 38,
    CRM_OPPORTUNITY_PROBABILITY_SOURCE_STAGE = 1,
    CRM_OPPORTUNITY_PROBABILITY_SOURCE_MANUAL = 2,
    CRM_OPPORTUNITY_FORECAST_PIPELINE = 1,
    CRM_OPPORTUNITY_FORECAST_BEST_CASE = 2,
    CRM_OPPORTUNITY_FORECAST_COMMIT = 3,
    CRM_OPPORTUNITY_FORECAST_CLOSED = 4,
    CRM_OPPORTUNITY_FORECAST_OMITTED = 5,
    CRM_OPPORTUNITY_TYPE_NEW_BUSINESS = 1,
    CRM_OPPORTUNITY_TYPE_EXISTING_BUSINESS = 2,
    CRM_OPPORTUNITY_TYPE_RENEWAL = 3,
    CRM_OPPORTUNITY_LOST_REASON_PRICE = 1,
    CRM_OPPORTUNITY_LOST_REASON_COMPETITOR = 2,
    CRM_OPPORTUNITY_LOST_REASON_NO_BUDGET = 3,
    CRM_OPPORTUNITY_LOST_REASON_NO_DECISION = 4,
    CRM_OPPORTUNITY_LOST_REASON_TIMING = 5,
    CRM_OPPORTUNITY_LOST_REASON_PRODUCT_FIT = 6,
    CRM_OPPORTUNITY_LOST_REASON_NO_RESPONSE = 7,
    CRM_OPPORTUNITY_LOST_REASON_OTHER = 8,
    CRM_OPPORTUNITY_OUTCOME_OPEN = 1,
    CRM_OPPORTUNITY_OUTCOME_WON = 2,
    CRM_OPPORTUNITY_OUTCOME_LOST = 3,
    CRM_OPPORTUNITY_LEAD_SOURCE_WEB = 1,
    CRM_OPPORTUNITY_LEAD_SOURCE_REFERRAL = 2,
    CRM_OPPORTUNITY_LEAD_SOURCE_PARTNER = 3,
    CRM_OPPORTUNITY_LEAD_SOURCE_EVENT = 4
};

/* Interaction */
enum {
    CRM_INTERACTION_TYPE = 16,
    CRM_INTERACTION_CHANNEL = 17,
    CRM_INTERACTION_DIRECTION = 18,
    CRM_INTERACTION_SUBJECT = 19,
    CRM_INTERACTION_BODY = 20,
    CRM_INTERACTION_STATUS = 21,
    CRM_INTERACTION_PRIORITY = 22,
    CRM_INTERACTION_START = 23,
    CRM_INTERACTION_END = 24,
    CRM_INTERACTION_DUE = 25,
    CRM_INTERACTION_COMPLETED = 26,
    CRM_INTERACTION_CUSTOMER = 27,
    CRM_INTERACTION_CONTACT = 28,
    CRM_INTERACTION_RELATED = 29,
    CRM_INTERACTION_PARTICIPANTS = 30,
    CRM_INTERACTION_AMOUNT = 31,
    CRM_INTERACTION_CURRENCY = 32,
    CRM_INTERACTION_OUTCOME = 33,
    CRM_INTERACTION_SCORE = 34,
    CRM_INTERACTION_TYPE_CALL = 1,
    CRM_INTERACTION_TYPE_MEETING = 2,
    CRM_INTERACTION_TYPE_TASK = 3,
    CRM_INTERACTION_TYPE_EMAIL = 4,
    CRM_INTERACTION_TYPE_MESSAGE = 5,
    CRM_INTERACTION_TYPE_VISIT = 6,
    CRM_INTERACTION_TYPE_WEB = 7,
    CRM_INTERACTION_TYPE_NOTE = 8,
    CRM_INTERACTION_TYPE_PURCHASE = 9,
    CRM_INTERACTION_TYPE_COMPLAINT = 10,
    CRM_INTERACTION_TYPE_SURVEY = 11,
    CRM_INTERACTION_CHANNEL_PHONE = 1,
    CRM_INTERACTION_CHANNEL_CALL_CENTER = 2,
    CRM_INTERACTION_CHANNEL_EMAIL = 3,
    CRM_INTERACTION_CHANNEL_WEB = 4,
    CRM_INTERACTION_CHANNEL_MOBILE = 5,
    CRM_INTERACTION_CHANNEL_FACE_TO_FACE = 6,
    CRM_INTERACTION_CHANNEL_PARTNER = 7,
    CRM_INTERACTION_CHANNEL_MAIL = 8,
    CRM_INTERACTION_CHANNEL_STORE = 9,
    CRM_INTERACTION_DIRECTION_INBOUND = 1,
    CRM_INTERACTION_DIRECTION_OUTBOUND = 2,
    CRM_INTERACTION_DIRECTION_INTERNAL = 3,
    CRM_INTERACTION_STATUS_PLANNED = 1,
    CRM_INTERACTION_STATUS_IN_PROGRESS = 2,
    CRM_INTERACTION_STATUS_COMPLETED = 3,
    CRM_INTERACTION_STATUS_CANCELLED = 4,
    CRM_INTERACTION_PRIORITY_LOW = 1,
    CRM_INTERACTION_PRIORITY_NORMAL = 2,
    CRM_INTERACTION_PRIORITY_HIGH = 3,
    CRM_INTERACTION_PRIORITY_URGENT = 4,
    CRM_INTERACTION_OUTCOME_REACHED = 1,
    CRM_INTERACTION_OUTCOME_NO_ANSWER = 2,
    CRM_INTERACTION_OUTCOME_POSITIVE = 3,
    CRM_INTERACTION_OUTCOME_NEGATIVE = 4
};

/* User */
enum {
    CRM_USER_NAME = 16,
    CRM_USER_EMAILS = 17,
    CRM_USER_ROLE = 18,
    CRM_USER_MANAGER = 19,
    CRM_USER_TEAM = 20,
    CRM_USER_REGION = 21,
    CRM_USER_ACTIVE = 22
};

/* Pipeline */
enum {
    CRM_PIPELINE_NAME = 16,
    CRM_PIPELINE_ORDER = 17,
    CRM_PIPELINE_IS_DEFAULT = 18
};

/* Stage */
enum {
    CRM_STAGE_NAME = 16,
    CRM_STAGE_PIPELINE = 17,
    CRM_STAGE_ORDER = 18,
    CRM_STAGE_PROBABILITY = 19,
    CRM_STAGE_FORECAST = 20,
    CRM_STAGE_IS_CLOSED = 21,
    CRM_STAGE_IS_WON = 22,
    CRM_STAGE_REQUIRED_FIELDS = 23,
    CRM_STAGE_FORECAST_PIPELINE = 1,
    CRM_STAGE_FORECAST_BEST_CASE = 2,
    CRM_STAGE_FORECAST_COMMIT = 3,
    CRM_STAGE_FORECAST_CLOSED = 4,
    CRM_STAGE_FORECAST_OMITTED = 5
};

/* Product */
enum {
    CRM_PRODUCT_NAME = 16,
    CRM_PRODUCT_SKU = 17,
    CRM_PRODUCT_ACTIVE = 18,
    CRM_PRODUCT_PRICE = 19,
    CRM_PRODUCT_CURRENCY = 20,
    CRM_PRODUCT_FAMILY = 21,
    CRM_PRODUCT_DESCRIPTION = 22
};

/* Campaign */
enum {
    CRM_CAMPAIGN_NAME = 16,
    CRM_CAMPAIGN_TYPE = 17,
    CRM_CAMPAIGN_STATUS = 18,
    CRM_CAMPAIGN_START_DATE = 19,
    CRM_CAMPAIGN_END_DATE = 20,
    CRM_CAMPAIGN_BUDGET = 21,
    CRM_CAMPAIGN_ACTUAL_COST = 22,
    CRM_CAMPAIGN_EXPECTED_REVENUE = 23,
    CRM_CAMPAIGN_CURRENCY = 24,
    CRM_CAMPAIGN_STATUS_PLANNED = 1,
    CRM_CAMPAIGN_STATUS_ACTIVE = 2,
    CRM_CAMPAIGN_STATUS_COMPLETED = 3,
    CRM_CAMPAIGN_STATUS_CANCELLED = 4
};

/* Transition */
enum {
    CRM_TRANSITION_SUBJECT = 16,
    CRM_TRANSITION_AT = 17,
    CRM_TRANSITION_FROM = 18,
    CRM_TRANSITION_TO = 19,
    CRM_TRANSITION_FROM_STAGE = 20,
    CRM_TRANSITION_TO_STAGE = 21,
    CRM_TRANSITION_RULE = 22,
    CRM_TRANSITION_EVIDENCE = 23,
    CRM_TRANSITION_FROM_ACQUAINTANCE = 1,
    CRM_TRANSITION_FROM_STABLE = 2,
    CRM_TRANSITION_FROM_DRIFTING = 3,
    CRM_TRANSITION_FROM_CHURNED = 4,
    CRM_TRANSITION_FROM_RESERVED = 5,
    CRM_TRANSITION_FROM_CONSOLIDATED = 6,
    CRM_TRANSITION_TO_ACQUAINTANCE = 1,
    CRM_TRANSITION_TO_STABLE = 2,
    CRM_TRANSITION_TO_DRIFTING = 3,
    CRM_TRANSITION_TO_CHURNED = 4,
    CRM_TRANSITION_TO_RESERVED = 5,
    CRM_TRANSITION_TO_CONSOLIDATED = 6
};

/* Setting */
enum {
    CRM_SETTING_NAME = 16,
    CRM_SETTING_VALUE = 17
};

/* Kind */
enum {
    CRM_KIND_NAME = 16,
    CRM_KIND_NUMBER = 17
};

/* Field */
enum {
    CRM_FIELD_NAME = 16,
    CRM_FIELD_OF_KIND = 17,
    CRM_FIELD_NUMBER = 18,
    CRM_FIELD_TYPE = 19,
    CRM_FIELD_FLAGS = 20,
    CRM_FIELD_TARGET = 21
};

/* Choice */
enum {
    CRM_CHOICE_NAME = 16,
    CRM_CHOICE_OF_KIND = 17,
    CRM_CHOICE_OF_FIELD = 18,
    CRM_CHOICE_CODE = 19
};

/* Customer: a crm_record that is known to be of this kind. */
typedef struct crm_customer crm_customer;
static inline crm_record *crm_customer_record(const crm_customer *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_customer *crm_customer_of(crm_record *r) { return (crm_customer *)(crm_record_kind(r) == CRM_KIND_CUSTOMER ? r : NULL); }
static inline crm_customer *crm_customer_create(crm_txn *txn) { return (crm_customer *)crm_create(txn, CRM_KIND_CUSTOMER); }
static inline crm_customer *crm_customer_edit(crm_txn *txn, const crm_id *id) { return (crm_customer *)crm_edit(txn, CRM_KIND_CUSTOMER, id); }
static inline int32_t crm_customer_get(crm_view *view, const crm_id *id, crm_customer **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_CUSTOMER, id, (crm_record **)(void *)r, error);
}
static inline void crm_customer_free(crm_customer *r) { crm_record_free((crm_record *)r); }
static inline void crm_customer_id(const crm_customer *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_customer_owner(const crm_customer *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_customer_set_owner(crm_customer *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_customer_external_id_count(const crm_customer *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_customer_external_id(const crm_customer *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_customer_add_external_id(crm_customer *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_customer_tag_count(const crm_customer *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_customer_tag(const crm_customer *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_customer_add_tag(crm_customer *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline const char *crm_customer_name(const crm_customer *r) { return crm_text((const crm_record *)r, CRM_CUSTOMER_NAME, NULL); }
static inline int32_t crm_customer_set_name(crm_customer *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CUSTOMER_NAME, value, CRM_NUL); }
static inline int64_t crm_customer_type(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_TYPE); }
static inline int32_t crm_customer_set_type(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_TYPE, value); }
static inline int32_t crm_customer_parent(const crm_customer *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_CUSTOMER_PARENT, NULL, id); }
static inline int32_t crm_customer_set_parent(crm_customer *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_CUSTOMER_PARENT, (const crm_record *)target); }
static inline int64_t crm_customer_industry(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_INDUSTRY); }
static inline int32_t crm_customer_set_industry(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_INDUSTRY, value); }
static inline int64_t crm_customer_rating(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_RATING); }
static inline int32_t crm_customer_set_rating(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_RATING, value); }
static inline int64_t crm_customer_employees(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_EMPLOYEES); }
static inline int32_t crm_customer_set_employees(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_EMPLOYEES, value); }
static inline int64_t crm_customer_annual_revenue(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_ANNUAL_REVENUE); }
static inline int32_t crm_customer_set_annual_revenue(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_ANNUAL_REVENUE, value); }
static inline const char *crm_customer_domain(const crm_customer *r) { return crm_text((const crm_record *)r, CRM_CUSTOMER_DOMAIN, NULL); }
static inline int32_t crm_customer_set_domain(crm_customer *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CUSTOMER_DOMAIN, value, CRM_NUL); }
static inline uint32_t crm_customer_email_count(const crm_customer *r) { return crm_item_count((const crm_record *)r, CRM_CUSTOMER_EMAILS); }
static inline const char *crm_customer_email(const crm_customer *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_CUSTOMER_EMAILS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_customer_add_email(crm_customer *r, const char *value) { return crm_item_add((crm_record *)r, CRM_CUSTOMER_EMAILS, value, CRM_NUL); }
static inline int32_t crm_customer_by_email(crm_view *view, const char *text, crm_customer **r, crm_error *error)
{
    return crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, text, CRM_NUL, (crm_record **)(void *)r, error);
}
static inline uint32_t crm_customer_phone_count(const crm_customer *r) { return crm_item_count((const crm_record *)r, CRM_CUSTOMER_PHONES); }
static inline const char *crm_customer_phone(const crm_customer *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_CUSTOMER_PHONES, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_customer_add_phone(crm_customer *r, const char *value) { return crm_item_add((crm_record *)r, CRM_CUSTOMER_PHONES, value, CRM_NUL); }
static inline int32_t crm_customer_by_phone(crm_view *view, const char *text, crm_customer **r, crm_error *error)
{
    return crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_PHONES, text, CRM_NUL, (crm_record **)(void *)r, error);
}
static inline uint32_t crm_customer_address_count(const crm_customer *r) { return crm_item_count((const crm_record *)r, CRM_CUSTOMER_ADDRESSES); }
static inline const char *crm_customer_address(const crm_customer *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_CUSTOMER_ADDRESSES, item, CRM_PART_STREET, NULL); }
static inline int32_t crm_customer_add_address(crm_customer *r, const char *value) { return crm_item_add((crm_record *)r, CRM_CUSTOMER_ADDRESSES, value, CRM_NUL); }
static inline int64_t crm_customer_currency(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_CURRENCY); }
static inline int32_t crm_customer_set_currency(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_CURRENCY, value); }
static inline const char *crm_customer_territory(const crm_customer *r) { return crm_text((const crm_record *)r, CRM_CUSTOMER_TERRITORY, NULL); }
static inline int32_t crm_customer_set_territory(crm_customer *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CUSTOMER_TERRITORY, value, CRM_NUL); }
static inline int64_t crm_customer_stage(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_STAGE); }
static inline int32_t crm_customer_set_stage(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_STAGE, value); }
static inline int64_t crm_customer_stage_since(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_STAGE_SINCE); }
static inline int64_t crm_customer_credit_limit(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_CREDIT_LIMIT); }
static inline int32_t crm_customer_set_credit_limit(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_CREDIT_LIMIT, value); }
static inline int64_t crm_customer_blacklisted(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_BLACKLISTED); }
static inline int32_t crm_customer_set_blacklisted(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_BLACKLISTED, value); }
static inline int64_t crm_customer_value_class(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_VALUE_CLASS); }
static inline int32_t crm_customer_set_value_class(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_VALUE_CLASS, value); }
static inline const char *crm_customer_website(const crm_customer *r) { return crm_text((const crm_record *)r, CRM_CUSTOMER_WEBSITE, NULL); }
static inline int32_t crm_customer_set_website(crm_customer *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CUSTOMER_WEBSITE, value, CRM_NUL); }
static inline const char *crm_customer_description(const crm_customer *r) { return crm_text((const crm_record *)r, CRM_CUSTOMER_DESCRIPTION, NULL); }
static inline int32_t crm_customer_set_description(crm_customer *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CUSTOMER_DESCRIPTION, value, CRM_NUL); }
static inline int64_t crm_customer_arrears(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_ARREARS); }
static inline int32_t crm_customer_set_arrears(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_ARREARS, value); }
static inline int64_t crm_customer_key_account(const crm_customer *r) { return crm_int((const crm_record *)r, CRM_CUSTOMER_KEY_ACCOUNT); }
static inline int32_t crm_customer_set_key_account(crm_customer *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CUSTOMER_KEY_ACCOUNT, value); }

/* Contact: a crm_record that is known to be of this kind. */
typedef struct crm_contact crm_contact;
static inline crm_record *crm_contact_record(const crm_contact *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_contact *crm_contact_of(crm_record *r) { return (crm_contact *)(crm_record_kind(r) == CRM_KIND_CONTACT ? r : NULL); }
static inline crm_contact *crm_contact_create(crm_txn *txn) { return (crm_contact *)crm_create(txn, CRM_KIND_CONTACT); }
static inline crm_contact *crm_contact_edit(crm_txn *txn, const crm_id *id) { return (crm_contact *)crm_edit(txn, CRM_KIND_CONTACT, id); }
static inline int32_t crm_contact_get(crm_view *view, const crm_id *id, crm_contact **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_CONTACT, id, (crm_record **)(void *)r, error);
}
static inline void crm_contact_free(crm_contact *r) { crm_record_free((crm_record *)r); }
static inline void crm_contact_id(const crm_contact *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_contact_owner(const crm_contact *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_contact_set_owner(crm_contact *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_contact_external_id_count(const crm_contact *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_contact_external_id(const crm_contact *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_contact_add_external_id(crm_contact *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_contact_tag_count(const crm_contact *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_contact_tag(const crm_contact *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_contact_add_tag(crm_contact *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline const char *crm_contact_name(const crm_contact *r) { return crm_text((const crm_record *)r, CRM_CONTACT_NAME, NULL); }
static inline const char *crm_contact_first_name(const crm_contact *r) { return crm_text((const crm_record *)r, CRM_CONTACT_FIRST_NAME, NULL); }
static inline int32_t crm_contact_set_first_name(crm_contact *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CONTACT_FIRST_NAME, value, CRM_NUL); }
static inline const char *crm_contact_last_name(const crm_contact *r) { return crm_text((const crm_record *)r, CRM_CONTACT_LAST_NAME, NULL); }
static inline int32_t crm_contact_set_last_name(crm_contact *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CONTACT_LAST_NAME, value, CRM_NUL); }
static inline const char *crm_contact_salutation(const crm_contact *r) { return crm_text((const crm_record *)r, CRM_CONTACT_SALUTATION, NULL); }
static inline int32_t crm_contact_set_salutation(crm_contact *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CONTACT_SALUTATION, value, CRM_NUL); }
static inline const char *crm_contact_title(const crm_contact *r) { return crm_text((const crm_record *)r, CRM_CONTACT_TITLE, NULL); }
static inline int32_t crm_contact_set_title(crm_contact *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CONTACT_TITLE, value, CRM_NUL); }
static inline const char *crm_contact_department(const crm_contact *r) { return crm_text((const crm_record *)r, CRM_CONTACT_DEPARTMENT, NULL); }
static inline int32_t crm_contact_set_department(crm_contact *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CONTACT_DEPARTMENT, value, CRM_NUL); }
static inline int32_t crm_contact_customer(const crm_contact *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_CONTACT_CUSTOMER, NULL, id); }
static inline int32_t crm_contact_set_customer(crm_contact *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_CONTACT_CUSTOMER, (const crm_record *)target); }
static inline int32_t crm_contact_reports_to(const crm_contact *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_CONTACT_REPORTS_TO, NULL, id); }
static inline int32_t crm_contact_set_reports_to(crm_contact *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_CONTACT_REPORTS_TO, (const crm_record *)target); }
static inline uint32_t crm_contact_email_count(const crm_contact *r) { return crm_item_count((const crm_record *)r, CRM_CONTACT_EMAILS); }
static inline const char *crm_contact_email(const crm_contact *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_CONTACT_EMAILS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_contact_add_email(crm_contact *r, const char *value) { return crm_item_add((crm_record *)r, CRM_CONTACT_EMAILS, value, CRM_NUL); }
static inline int32_t crm_contact_by_email(crm_view *view, const char *text, crm_contact **r, crm_error *error)
{
    return crm_find(view, CRM_KIND_CONTACT, CRM_CONTACT_EMAILS, text, CRM_NUL, (crm_record **)(void *)r, error);
}
static inline uint32_t crm_contact_phone_count(const crm_contact *r) { return crm_item_count((const crm_record *)r, CRM_CONTACT_PHONES); }
static inline const char *crm_contact_phone(const crm_contact *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_CONTACT_PHONES, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_contact_add_phone(crm_contact *r, const char *value) { return crm_item_add((crm_record *)r, CRM_CONTACT_PHONES, value, CRM_NUL); }
static inline int32_t crm_contact_by_phone(crm_view *view, const char *text, crm_contact **r, crm_error *error)
{
    return crm_find(view, CRM_KIND_CONTACT, CRM_CONTACT_PHONES, text, CRM_NUL, (crm_record **)(void *)r, error);
}
static inline uint32_t crm_contact_address_count(const crm_contact *r) { return crm_item_count((const crm_record *)r, CRM_CONTACT_ADDRESSES); }
static inline const char *crm_contact_address(const crm_contact *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_CONTACT_ADDRESSES, item, CRM_PART_STREET, NULL); }
static inline int32_t crm_contact_add_address(crm_contact *r, const char *value) { return crm_item_add((crm_record *)r, CRM_CONTACT_ADDRESSES, value, CRM_NUL); }
static inline int32_t crm_contact_birthdate(const crm_contact *r) { return (int32_t)crm_int((const crm_record *)r, CRM_CONTACT_BIRTHDATE); }
static inline int32_t crm_contact_set_birthdate(crm_contact *r, int32_t value) { return crm_set_int((crm_record *)r, CRM_CONTACT_BIRTHDATE, value); }
static inline int64_t crm_contact_lead_source(const crm_contact *r) { return crm_int((const crm_record *)r, CRM_CONTACT_LEAD_SOURCE); }
static inline int32_t crm_contact_set_lead_source(crm_contact *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CONTACT_LEAD_SOURCE, value); }
static inline int64_t crm_contact_do_not_call(const crm_contact *r) { return crm_int((const crm_record *)r, CRM_CONTACT_DO_NOT_CALL); }
static inline int32_t crm_contact_set_do_not_call(crm_contact *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CONTACT_DO_NOT_CALL, value); }
static inline const char *crm_contact_time_zone(const crm_contact *r) { return crm_text((const crm_record *)r, CRM_CONTACT_TIME_ZONE, NULL); }
static inline int32_t crm_contact_set_time_zone(crm_contact *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CONTACT_TIME_ZONE, value, CRM_NUL); }
static inline const char *crm_contact_description(const crm_contact *r) { return crm_text((const crm_record *)r, CRM_CONTACT_DESCRIPTION, NULL); }
static inline int32_t crm_contact_set_description(crm_contact *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CONTACT_DESCRIPTION, value, CRM_NUL); }

/* Opportunity: a crm_record that is known to be of this kind. */
typedef struct crm_opportunity crm_opportunity;
static inline crm_record *crm_opportunity_record(const crm_opportunity *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_opportunity *crm_opportunity_of(crm_record *r) { return (crm_opportunity *)(crm_record_kind(r) == CRM_KIND_OPPORTUNITY ? r : NULL); }
static inline crm_opportunity *crm_opportunity_create(crm_txn *txn) { return (crm_opportunity *)crm_create(txn, CRM_KIND_OPPORTUNITY); }
static inline crm_opportunity *crm_opportunity_edit(crm_txn *txn, const crm_id *id) { return (crm_opportunity *)crm_edit(txn, CRM_KIND_OPPORTUNITY, id); }
static inline int32_t crm_opportunity_get(crm_view *view, const crm_id *id, crm_opportunity **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_OPPORTUNITY, id, (crm_record **)(void *)r, error);
}
static inline void crm_opportunity_free(crm_opportunity *r) { crm_record_free((crm_record *)r); }
static inline void crm_opportunity_id(const crm_opportunity *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_opportunity_owner(const crm_opportunity *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_opportunity_set_owner(crm_opportunity *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_opportunity_external_id_count(const crm_opportunity *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_opportunity_external_id(const crm_opportunity *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_opportunity_add_external_id(crm_opportunity *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_opportunity_tag_count(const crm_opportunity *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_opportunity_tag(const crm_opportunity *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_opportunity_add_tag(crm_opportunity *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline const char *crm_opportunity_name(const crm_opportunity *r) { return crm_text((const crm_record *)r, CRM_OPPORTUNITY_NAME, NULL); }
static inline int32_t crm_opportunity_set_name(crm_opportunity *r, const char *value) { return crm_set_text((crm_record *)r, CRM_OPPORTUNITY_NAME, value, CRM_NUL); }
static inline int32_t crm_opportunity_customer(const crm_opportunity *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_OPPORTUNITY_CUSTOMER, NULL, id); }
static inline int32_t crm_opportunity_set_customer(crm_opportunity *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_OPPORTUNITY_CUSTOMER, (const crm_record *)target); }
static inline int32_t crm_opportunity_pipeline(const crm_opportunity *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_OPPORTUNITY_PIPELINE, NULL, id); }
static inline int32_t crm_opportunity_set_pipeline(crm_opportunity *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_OPPORTUNITY_PIPELINE, (const crm_record *)target); }
static inline int32_t crm_opportunity_stage(const crm_opportunity *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_OPPORTUNITY_STAGE, NULL, id); }
static inline int32_t crm_opportunity_set_stage(crm_opportunity *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_OPPORTUNITY_STAGE, (const crm_record *)target); }
static inline int64_t crm_opportunity_amount(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_AMOUNT); }
static inline int32_t crm_opportunity_set_amount(crm_opportunity *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_AMOUNT, value); }
static inline int64_t crm_opportunity_currency(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_CURRENCY); }
static inline int32_t crm_opportunity_set_currency(crm_opportunity *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_CURRENCY, value); }
static inline int64_t crm_opportunity_probability(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_PROBABILITY); }
static inline int32_t crm_opportunity_set_probability(crm_opportunity *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_PROBABILITY, value); }
static inline int64_t crm_opportunity_probability_source(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_PROBABILITY_SOURCE); }
static inline int64_t crm_opportunity_forecast(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_FORECAST); }
static inline int32_t crm_opportunity_set_forecast(crm_opportunity *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_FORECAST, value); }
static inline int32_t crm_opportunity_close_date(const crm_opportunity *r) { return (int32_t)crm_int((const crm_record *)r, CRM_OPPORTUNITY_CLOSE_DATE); }
static inline int32_t crm_opportunity_set_close_date(crm_opportunity *r, int32_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_CLOSE_DATE, value); }
static inline int64_t crm_opportunity_type(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_TYPE); }
static inline int32_t crm_opportunity_set_type(crm_opportunity *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_TYPE, value); }
static inline int32_t crm_opportunity_campaign(const crm_opportunity *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_OPPORTUNITY_CAMPAIGN, NULL, id); }
static inline int32_t crm_opportunity_set_campaign(crm_opportunity *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_OPPORTUNITY_CAMPAIGN, (const crm_record *)target); }
static inline const char *crm_opportunity_next_step(const crm_opportunity *r) { return crm_text((const crm_record *)r, CRM_OPPORTUNITY_NEXT_STEP, NULL); }
static inline int32_t crm_opportunity_set_next_step(crm_opportunity *r, const char *value) { return crm_set_text((crm_record *)r, CRM_OPPORTUNITY_NEXT_STEP, value, CRM_NUL); }
static inline int64_t crm_opportunity_closed_at(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_CLOSED_AT); }
static inline int32_t crm_opportunity_set_closed_at(crm_opportunity *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_CLOSED_AT, value); }
static inline int64_t crm_opportunity_lost_reason(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_LOST_REASON); }
static inline int32_t crm_opportunity_set_lost_reason(crm_opportunity *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_LOST_REASON, value); }
static inline const char *crm_opportunity_lost_notes(const crm_opportunity *r) { return crm_text((const crm_record *)r, CRM_OPPORTUNITY_LOST_NOTES, NULL); }
static inline int32_t crm_opportunity_set_lost_notes(crm_opportunity *r, const char *value) { return crm_set_text((crm_record *)r, CRM_OPPORTUNITY_LOST_NOTES, value, CRM_NUL); }
static inline int32_t crm_opportunity_primary_contact(const crm_opportunity *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_OPPORTUNITY_PRIMARY_CONTACT, NULL, id); }
static inline int32_t crm_opportunity_set_primary_contact(crm_opportunity *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_OPPORTUNITY_PRIMARY_CONTACT, (const crm_record *)target); }
static inline int32_t crm_opportunity_product(const crm_opportunity *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_OPPORTUNITY_PRODUCT, NULL, id); }
static inline int32_t crm_opportunity_set_product(crm_opportunity *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_OPPORTUNITY_PRODUCT, (const crm_record *)target); }
static inline int32_t crm_opportunity_started_on(const crm_opportunity *r) { return (int32_t)crm_int((const crm_record *)r, CRM_OPPORTUNITY_STARTED_ON); }
static inline int32_t crm_opportunity_set_started_on(crm_opportunity *r, int32_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_STARTED_ON, value); }
static inline int64_t crm_opportunity_stage_since(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_STAGE_SINCE); }
static inline int64_t crm_opportunity_outcome(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_OUTCOME); }
static inline const char *crm_opportunity_description(const crm_opportunity *r) { return crm_text((const crm_record *)r, CRM_OPPORTUNITY_DESCRIPTION, NULL); }
static inline int32_t crm_opportunity_set_description(crm_opportunity *r, const char *value) { return crm_set_text((crm_record *)r, CRM_OPPORTUNITY_DESCRIPTION, value, CRM_NUL); }
static inline int64_t crm_opportunity_lead_source(const crm_opportunity *r) { return crm_int((const crm_record *)r, CRM_OPPORTUNITY_LEAD_SOURCE); }
static inline int32_t crm_opportunity_set_lead_source(crm_opportunity *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_OPPORTUNITY_LEAD_SOURCE, value); }

/* Interaction: a crm_record that is known to be of this kind. */
typedef struct crm_interaction crm_interaction;
static inline crm_record *crm_interaction_record(const crm_interaction *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_interaction *crm_interaction_of(crm_record *r) { return (crm_interaction *)(crm_record_kind(r) == CRM_KIND_INTERACTION ? r : NULL); }
static inline crm_interaction *crm_interaction_create(crm_txn *txn) { return (crm_interaction *)crm_create(txn, CRM_KIND_INTERACTION); }
static inline crm_interaction *crm_interaction_edit(crm_txn *txn, const crm_id *id) { return (crm_interaction *)crm_edit(txn, CRM_KIND_INTERACTION, id); }
static inline int32_t crm_interaction_get(crm_view *view, const crm_id *id, crm_interaction **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_INTERACTION, id, (crm_record **)(void *)r, error);
}
static inline void crm_interaction_free(crm_interaction *r) { crm_record_free((crm_record *)r); }
static inline void crm_interaction_id(const crm_interaction *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_interaction_owner(const crm_interaction *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_interaction_set_owner(crm_interaction *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_interaction_external_id_count(const crm_interaction *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_interaction_external_id(const crm_interaction *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_interaction_add_external_id(crm_interaction *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_interaction_tag_count(const crm_interaction *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_interaction_tag(const crm_interaction *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_interaction_add_tag(crm_interaction *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline int64_t crm_interaction_type(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_TYPE); }
static inline int32_t crm_interaction_set_type(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_TYPE, value); }
static inline int64_t crm_interaction_channel(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_CHANNEL); }
static inline int32_t crm_interaction_set_channel(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_CHANNEL, value); }
static inline int64_t crm_interaction_direction(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_DIRECTION); }
static inline int32_t crm_interaction_set_direction(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_DIRECTION, value); }
static inline const char *crm_interaction_subject(const crm_interaction *r) { return crm_text((const crm_record *)r, CRM_INTERACTION_SUBJECT, NULL); }
static inline int32_t crm_interaction_set_subject(crm_interaction *r, const char *value) { return crm_set_text((crm_record *)r, CRM_INTERACTION_SUBJECT, value, CRM_NUL); }
static inline const char *crm_interaction_body(const crm_interaction *r) { return crm_text((const crm_record *)r, CRM_INTERACTION_BODY, NULL); }
static inline int32_t crm_interaction_set_body(crm_interaction *r, const char *value) { return crm_set_text((crm_record *)r, CRM_INTERACTION_BODY, value, CRM_NUL); }
static inline int64_t crm_interaction_status(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_STATUS); }
static inline int32_t crm_interaction_set_status(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_STATUS, value); }
static inline int64_t crm_interaction_priority(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_PRIORITY); }
static inline int32_t crm_interaction_set_priority(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_PRIORITY, value); }
static inline int64_t crm_interaction_start(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_START); }
static inline int32_t crm_interaction_set_start(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_START, value); }
static inline int64_t crm_interaction_end(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_END); }
static inline int32_t crm_interaction_set_end(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_END, value); }
static inline int64_t crm_interaction_due(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_DUE); }
static inline int32_t crm_interaction_set_due(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_DUE, value); }
static inline int64_t crm_interaction_completed(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_COMPLETED); }
static inline int32_t crm_interaction_set_completed(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_COMPLETED, value); }
static inline int32_t crm_interaction_customer(const crm_interaction *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_INTERACTION_CUSTOMER, NULL, id); }
static inline int32_t crm_interaction_set_customer(crm_interaction *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_INTERACTION_CUSTOMER, (const crm_record *)target); }
static inline int32_t crm_interaction_contact(const crm_interaction *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_INTERACTION_CONTACT, NULL, id); }
static inline int32_t crm_interaction_set_contact(crm_interaction *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_INTERACTION_CONTACT, (const crm_record *)target); }
static inline int32_t crm_interaction_related(const crm_interaction *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_INTERACTION_RELATED, NULL, id); }
static inline int32_t crm_interaction_set_related(crm_interaction *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_INTERACTION_RELATED, (const crm_record *)target); }
static inline int64_t crm_interaction_amount(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_AMOUNT); }
static inline int32_t crm_interaction_set_amount(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_AMOUNT, value); }
static inline int64_t crm_interaction_currency(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_CURRENCY); }
static inline int32_t crm_interaction_set_currency(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_CURRENCY, value); }
static inline int64_t crm_interaction_outcome(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_OUTCOME); }
static inline int32_t crm_interaction_set_outcome(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_OUTCOME, value); }
static inline int64_t crm_interaction_score(const crm_interaction *r) { return crm_int((const crm_record *)r, CRM_INTERACTION_SCORE); }
static inline int32_t crm_interaction_set_score(crm_interaction *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_INTERACTION_SCORE, value); }

/* User: a crm_record that is known to be of this kind. */
typedef struct crm_user crm_user;
static inline crm_record *crm_user_record(const crm_user *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_user *crm_user_of(crm_record *r) { return (crm_user *)(crm_record_kind(r) == CRM_KIND_USER ? r : NULL); }
static inline crm_user *crm_user_create(crm_txn *txn) { return (crm_user *)crm_create(txn, CRM_KIND_USER); }
static inline crm_user *crm_user_edit(crm_txn *txn, const crm_id *id) { return (crm_user *)crm_edit(txn, CRM_KIND_USER, id); }
static inline int32_t crm_user_get(crm_view *view, const crm_id *id, crm_user **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_USER, id, (crm_record **)(void *)r, error);
}
static inline void crm_user_free(crm_user *r) { crm_record_free((crm_record *)r); }
static inline void crm_user_id(const crm_user *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_user_owner(const crm_user *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_user_set_owner(crm_user *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_user_external_id_count(const crm_user *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_user_external_id(const crm_user *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_user_add_external_id(crm_user *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_user_tag_count(const crm_user *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_user_tag(const crm_user *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_user_add_tag(crm_user *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline const char *crm_user_name(const crm_user *r) { return crm_text((const crm_record *)r, CRM_USER_NAME, NULL); }
static inline int32_t crm_user_set_name(crm_user *r, const char *value) { return crm_set_text((crm_record *)r, CRM_USER_NAME, value, CRM_NUL); }
static inline uint32_t crm_user_email_count(const crm_user *r) { return crm_item_count((const crm_record *)r, CRM_USER_EMAILS); }
static inline const char *crm_user_email(const crm_user *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_USER_EMAILS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_user_add_email(crm_user *r, const char *value) { return crm_item_add((crm_record *)r, CRM_USER_EMAILS, value, CRM_NUL); }
static inline int32_t crm_user_by_email(crm_view *view, const char *text, crm_user **r, crm_error *error)
{
    return crm_find(view, CRM_KIND_USER, CRM_USER_EMAILS, text, CRM_NUL, (crm_record **)(void *)r, error);
}
static inline const char *crm_user_role(const crm_user *r) { return crm_text((const crm_record *)r, CRM_USER_ROLE, NULL); }
static inline int32_t crm_user_set_role(crm_user *r, const char *value) { return crm_set_text((crm_record *)r, CRM_USER_ROLE, value, CRM_NUL); }
static inline int32_t crm_user_manager(const crm_user *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_USER_MANAGER, NULL, id); }
static inline int32_t crm_user_set_manager(crm_user *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_USER_MANAGER, (const crm_record *)target); }
static inline const char *crm_user_team(const crm_user *r) { return crm_text((const crm_record *)r, CRM_USER_TEAM, NULL); }
static inline int32_t crm_user_set_team(crm_user *r, const char *value) { return crm_set_text((crm_record *)r, CRM_USER_TEAM, value, CRM_NUL); }
static inline const char *crm_user_region(const crm_user *r) { return crm_text((const crm_record *)r, CRM_USER_REGION, NULL); }
static inline int32_t crm_user_set_region(crm_user *r, const char *value) { return crm_set_text((crm_record *)r, CRM_USER_REGION, value, CRM_NUL); }
static inline int64_t crm_user_active(const crm_user *r) { return crm_int((const crm_record *)r, CRM_USER_ACTIVE); }
static inline int32_t crm_user_set_active(crm_user *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_USER_ACTIVE, value); }

/* Pipeline: a crm_record that is known to be of this kind. */
typedef struct crm_pipeline crm_pipeline;
static inline crm_record *crm_pipeline_record(const crm_pipeline *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_pipeline *crm_pipeline_of(crm_record *r) { return (crm_pipeline *)(crm_record_kind(r) == CRM_KIND_PIPELINE ? r : NULL); }
static inline crm_pipeline *crm_pipeline_create(crm_txn *txn) { return (crm_pipeline *)crm_create(txn, CRM_KIND_PIPELINE); }
static inline crm_pipeline *crm_pipeline_edit(crm_txn *txn, const crm_id *id) { return (crm_pipeline *)crm_edit(txn, CRM_KIND_PIPELINE, id); }
static inline int32_t crm_pipeline_get(crm_view *view, const crm_id *id, crm_pipeline **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_PIPELINE, id, (crm_record **)(void *)r, error);
}
static inline void crm_pipeline_free(crm_pipeline *r) { crm_record_free((crm_record *)r); }
static inline void crm_pipeline_id(const crm_pipeline *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_pipeline_owner(const crm_pipeline *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_pipeline_set_owner(crm_pipeline *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_pipeline_external_id_count(const crm_pipeline *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_pipeline_external_id(const crm_pipeline *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_pipeline_add_external_id(crm_pipeline *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_pipeline_tag_count(const crm_pipeline *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_pipeline_tag(const crm_pipeline *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_pipeline_add_tag(crm_pipeline *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline const char *crm_pipeline_name(const crm_pipeline *r) { return crm_text((const crm_record *)r, CRM_PIPELINE_NAME, NULL); }
static inline int32_t crm_pipeline_set_name(crm_pipeline *r, const char *value) { return crm_set_text((crm_record *)r, CRM_PIPELINE_NAME, value, CRM_NUL); }
static inline int64_t crm_pipeline_order(const crm_pipeline *r) { return crm_int((const crm_record *)r, CRM_PIPELINE_ORDER); }
static inline int32_t crm_pipeline_set_order(crm_pipeline *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_PIPELINE_ORDER, value); }
static inline int64_t crm_pipeline_is_default(const crm_pipeline *r) { return crm_int((const crm_record *)r, CRM_PIPELINE_IS_DEFAULT); }
static inline int32_t crm_pipeline_set_is_default(crm_pipeline *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_PIPELINE_IS_DEFAULT, value); }

/* Stage: a crm_record that is known to be of this kind. */
typedef struct crm_stage crm_stage;
static inline crm_record *crm_stage_record(const crm_stage *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_stage *crm_stage_of(crm_record *r) { return (crm_stage *)(crm_record_kind(r) == CRM_KIND_STAGE ? r : NULL); }
static inline crm_stage *crm_stage_create(crm_txn *txn) { return (crm_stage *)crm_create(txn, CRM_KIND_STAGE); }
static inline crm_stage *crm_stage_edit(crm_txn *txn, const crm_id *id) { return (crm_stage *)crm_edit(txn, CRM_KIND_STAGE, id); }
static inline int32_t crm_stage_get(crm_view *view, const crm_id *id, crm_stage **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_STAGE, id, (crm_record **)(void *)r, error);
}
static inline void crm_stage_free(crm_stage *r) { crm_record_free((crm_record *)r); }
static inline void crm_stage_id(const crm_stage *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_stage_owner(const crm_stage *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_stage_set_owner(crm_stage *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_stage_external_id_count(const crm_stage *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_stage_external_id(const crm_stage *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_stage_add_external_id(crm_stage *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_stage_tag_count(const crm_stage *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_stage_tag(const crm_stage *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_stage_add_tag(crm_stage *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline const char *crm_stage_name(const crm_stage *r) { return crm_text((const crm_record *)r, CRM_STAGE_NAME, NULL); }
static inline int32_t crm_stage_set_name(crm_stage *r, const char *value) { return crm_set_text((crm_record *)r, CRM_STAGE_NAME, value, CRM_NUL); }
static inline int32_t crm_stage_pipeline(const crm_stage *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_STAGE_PIPELINE, NULL, id); }
static inline int32_t crm_stage_set_pipeline(crm_stage *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_STAGE_PIPELINE, (const crm_record *)target); }
static inline int64_t crm_stage_order(const crm_stage *r) { return crm_int((const crm_record *)r, CRM_STAGE_ORDER); }
static inline int32_t crm_stage_set_order(crm_stage *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_STAGE_ORDER, value); }
static inline int64_t crm_stage_probability(const crm_stage *r) { return crm_int((const crm_record *)r, CRM_STAGE_PROBABILITY); }
static inline int32_t crm_stage_set_probability(crm_stage *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_STAGE_PROBABILITY, value); }
static inline int64_t crm_stage_forecast(const crm_stage *r) { return crm_int((const crm_record *)r, CRM_STAGE_FORECAST); }
static inline int32_t crm_stage_set_forecast(crm_stage *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_STAGE_FORECAST, value); }
static inline int64_t crm_stage_is_closed(const crm_stage *r) { return crm_int((const crm_record *)r, CRM_STAGE_IS_CLOSED); }
static inline int32_t crm_stage_set_is_closed(crm_stage *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_STAGE_IS_CLOSED, value); }
static inline int64_t crm_stage_is_won(const crm_stage *r) { return crm_int((const crm_record *)r, CRM_STAGE_IS_WON); }
static inline int32_t crm_stage_set_is_won(crm_stage *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_STAGE_IS_WON, value); }
static inline const char *crm_stage_required_fields(const crm_stage *r) { return crm_text((const crm_record *)r, CRM_STAGE_REQUIRED_FIELDS, NULL); }
static inline int32_t crm_stage_set_required_fields(crm_stage *r, const char *value) { return crm_set_text((crm_record *)r, CRM_STAGE_REQUIRED_FIELDS, value, CRM_NUL); }

/* Product: a crm_record that is known to be of this kind. */
typedef struct crm_product crm_product;
static inline crm_record *crm_product_record(const crm_product *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_product *crm_product_of(crm_record *r) { return (crm_product *)(crm_record_kind(r) == CRM_KIND_PRODUCT ? r : NULL); }
static inline crm_product *crm_product_create(crm_txn *txn) { return (crm_product *)crm_create(txn, CRM_KIND_PRODUCT); }
static inline crm_product *crm_product_edit(crm_txn *txn, const crm_id *id) { return (crm_product *)crm_edit(txn, CRM_KIND_PRODUCT, id); }
static inline int32_t crm_product_get(crm_view *view, const crm_id *id, crm_product **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_PRODUCT, id, (crm_record **)(void *)r, error);
}
static inline void crm_product_free(crm_product *r) { crm_record_free((crm_record *)r); }
static inline void crm_product_id(const crm_product *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_product_owner(const crm_product *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_product_set_owner(crm_product *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_product_external_id_count(const crm_product *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_product_external_id(const crm_product *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_product_add_external_id(crm_product *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_product_tag_count(const crm_product *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_product_tag(const crm_product *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_product_add_tag(crm_product *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline const char *crm_product_name(const crm_product *r) { return crm_text((const crm_record *)r, CRM_PRODUCT_NAME, NULL); }
static inline int32_t crm_product_set_name(crm_product *r, const char *value) { return crm_set_text((crm_record *)r, CRM_PRODUCT_NAME, value, CRM_NUL); }
static inline const char *crm_product_sku(const crm_product *r) { return crm_text((const crm_record *)r, CRM_PRODUCT_SKU, NULL); }
static inline int32_t crm_product_set_sku(crm_product *r, const char *value) { return crm_set_text((crm_record *)r, CRM_PRODUCT_SKU, value, CRM_NUL); }
static inline int64_t crm_product_active(const crm_product *r) { return crm_int((const crm_record *)r, CRM_PRODUCT_ACTIVE); }
static inline int32_t crm_product_set_active(crm_product *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_PRODUCT_ACTIVE, value); }
static inline int64_t crm_product_price(const crm_product *r) { return crm_int((const crm_record *)r, CRM_PRODUCT_PRICE); }
static inline int32_t crm_product_set_price(crm_product *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_PRODUCT_PRICE, value); }
static inline int64_t crm_product_currency(const crm_product *r) { return crm_int((const crm_record *)r, CRM_PRODUCT_CURRENCY); }
static inline int32_t crm_product_set_currency(crm_product *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_PRODUCT_CURRENCY, value); }
static inline const char *crm_product_family(const crm_product *r) { return crm_text((const crm_record *)r, CRM_PRODUCT_FAMILY, NULL); }
static inline int32_t crm_product_set_family(crm_product *r, const char *value) { return crm_set_text((crm_record *)r, CRM_PRODUCT_FAMILY, value, CRM_NUL); }
static inline const char *crm_product_description(const crm_product *r) { return crm_text((const crm_record *)r, CRM_PRODUCT_DESCRIPTION, NULL); }
static inline int32_t crm_product_set_description(crm_product *r, const char *value) { return crm_set_text((crm_record *)r, CRM_PRODUCT_DESCRIPTION, value, CRM_NUL); }

/* Campaign: a crm_record that is known to be of this kind. */
typedef struct crm_campaign crm_campaign;
static inline crm_record *crm_campaign_record(const crm_campaign *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_campaign *crm_campaign_of(crm_record *r) { return (crm_campaign *)(crm_record_kind(r) == CRM_KIND_CAMPAIGN ? r : NULL); }
static inline crm_campaign *crm_campaign_create(crm_txn *txn) { return (crm_campaign *)crm_create(txn, CRM_KIND_CAMPAIGN); }
static inline crm_campaign *crm_campaign_edit(crm_txn *txn, const crm_id *id) { return (crm_campaign *)crm_edit(txn, CRM_KIND_CAMPAIGN, id); }
static inline int32_t crm_campaign_get(crm_view *view, const crm_id *id, crm_campaign **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_CAMPAIGN, id, (crm_record **)(void *)r, error);
}
static inline void crm_campaign_free(crm_campaign *r) { crm_record_free((crm_record *)r); }
static inline void crm_campaign_id(const crm_campaign *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_campaign_owner(const crm_campaign *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_campaign_set_owner(crm_campaign *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_campaign_external_id_count(const crm_campaign *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_campaign_external_id(const crm_campaign *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_campaign_add_external_id(crm_campaign *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_campaign_tag_count(const crm_campaign *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_campaign_tag(const crm_campaign *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_campaign_add_tag(crm_campaign *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline const char *crm_campaign_name(const crm_campaign *r) { return crm_text((const crm_record *)r, CRM_CAMPAIGN_NAME, NULL); }
static inline int32_t crm_campaign_set_name(crm_campaign *r, const char *value) { return crm_set_text((crm_record *)r, CRM_CAMPAIGN_NAME, value, CRM_NUL); }
static inline int64_t crm_campaign_type(const crm_campaign *r) { return crm_int((const crm_record *)r, CRM_CAMPAIGN_TYPE); }
static inline int32_t crm_campaign_set_type(crm_campaign *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CAMPAIGN_TYPE, value); }
static inline int64_t crm_campaign_status(const crm_campaign *r) { return crm_int((const crm_record *)r, CRM_CAMPAIGN_STATUS); }
static inline int32_t crm_campaign_set_status(crm_campaign *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CAMPAIGN_STATUS, value); }
static inline int32_t crm_campaign_start_date(const crm_campaign *r) { return (int32_t)crm_int((const crm_record *)r, CRM_CAMPAIGN_START_DATE); }
static inline int32_t crm_campaign_set_start_date(crm_campaign *r, int32_t value) { return crm_set_int((crm_record *)r, CRM_CAMPAIGN_START_DATE, value); }
static inline int32_t crm_campaign_end_date(const crm_campaign *r) { return (int32_t)crm_int((const crm_record *)r, CRM_CAMPAIGN_END_DATE); }
static inline int32_t crm_campaign_set_end_date(crm_campaign *r, int32_t value) { return crm_set_int((crm_record *)r, CRM_CAMPAIGN_END_DATE, value); }
static inline int64_t crm_campaign_budget(const crm_campaign *r) { return crm_int((const crm_record *)r, CRM_CAMPAIGN_BUDGET); }
static inline int32_t crm_campaign_set_budget(crm_campaign *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CAMPAIGN_BUDGET, value); }
static inline int64_t crm_campaign_actual_cost(const crm_campaign *r) { return crm_int((const crm_record *)r, CRM_CAMPAIGN_ACTUAL_COST); }
static inline int32_t crm_campaign_set_actual_cost(crm_campaign *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CAMPAIGN_ACTUAL_COST, value); }
static inline int64_t crm_campaign_expected_revenue(const crm_campaign *r) { return crm_int((const crm_record *)r, CRM_CAMPAIGN_EXPECTED_REVENUE); }
static inline int32_t crm_campaign_set_expected_revenue(crm_campaign *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CAMPAIGN_EXPECTED_REVENUE, value); }
static inline int64_t crm_campaign_currency(const crm_campaign *r) { return crm_int((const crm_record *)r, CRM_CAMPAIGN_CURRENCY); }
static inline int32_t crm_campaign_set_currency(crm_campaign *r, int64_t value) { return crm_set_int((crm_record *)r, CRM_CAMPAIGN_CURRENCY, value); }

/* Transition: a crm_record that is known to be of this kind. */
typedef struct crm_transition crm_transition;
static inline crm_record *crm_transition_record(const crm_transition *r) { return (crm_record *)(uintptr_t)r; }
static inline crm_transition *crm_transition_of(crm_record *r) { return (crm_transition *)(crm_record_kind(r) == CRM_KIND_TRANSITION ? r : NULL); }
static inline crm_transition *crm_transition_create(crm_txn *txn) { return (crm_transition *)crm_create(txn, CRM_KIND_TRANSITION); }
static inline crm_transition *crm_transition_edit(crm_txn *txn, const crm_id *id) { return (crm_transition *)crm_edit(txn, CRM_KIND_TRANSITION, id); }
static inline int32_t crm_transition_get(crm_view *view, const crm_id *id, crm_transition **r, crm_error *error)
{
    return crm_get(view, CRM_KIND_TRANSITION, id, (crm_record **)(void *)r, error);
}
static inline void crm_transition_free(crm_transition *r) { crm_record_free((crm_record *)r); }
static inline void crm_transition_id(const crm_transition *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }
static inline int32_t crm_transition_owner(const crm_transition *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_FIELD_OWNER, NULL, id); }
static inline int32_t crm_transition_set_owner(crm_transition *r, const void *target) { return crm_set_ref_record((crm_record *)r, CRM_FIELD_OWNER, (const crm_record *)target); }
static inline uint32_t crm_transition_external_id_count(const crm_transition *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS); }
static inline const char *crm_transition_external_id(const crm_transition *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_EXTERNAL_IDS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_transition_add_external_id(crm_transition *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_EXTERNAL_IDS, value, CRM_NUL); }
static inline uint32_t crm_transition_tag_count(const crm_transition *r) { return crm_item_count((const crm_record *)r, CRM_FIELD_TAGS); }
static inline const char *crm_transition_tag(const crm_transition *r, uint32_t item) { return crm_item_text((const crm_record *)r, CRM_FIELD_TAGS, item, CRM_PART_VALUE, NULL); }
static inline int32_t crm_transition_add_tag(crm_transition *r, const char *value) { return crm_item_add((crm_record *)r, CRM_FIELD_TAGS, value, CRM_NUL); }
static inline int32_t crm_transition_subject(const crm_transition *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_TRANSITION_SUBJECT, NULL, id); }
static inline int64_t crm_transition_at(const crm_transition *r) { return crm_int((const crm_record *)r, CRM_TRANSITION_AT); }
static inline int64_t crm_transition_from(const crm_transition *r) { return crm_int((const crm_record *)r, CRM_TRANSITION_FROM); }
static inline int64_t crm_transition_to(const crm_transition *r) { return crm_int((const crm_record *)r, CRM_TRANSITION_TO); }
static inline int32_t crm_transition_from_stage(const crm_transition *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_TRANSITION_FROM_STAGE, NULL, id); }
static inline int32_t crm_transition_to_stage(const crm_transition *r, crm_id *id) { return crm_ref((const crm_record *)r, CRM_TRANSITION_TO_STAGE, NULL, id); }
static inline const char *crm_transition_rule(const crm_transition *r) { return crm_text((const crm_record *)r, CRM_TRANSITION_RULE, NULL); }
static inline const char *crm_transition_evidence(const crm_transition *r) { return crm_text((const crm_record *)r, CRM_TRANSITION_EVIDENCE, NULL); }

#endif
