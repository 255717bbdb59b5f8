/* company_words: the words from which generate_company makes its people and
 * companies.  Syllables and everyday words, put together by chance: none of it
 * means anyone.
 */
#ifndef TOOLS_COMPANY_WORDS_H
#define TOOLS_COMPANY_WORDS_H

#include <crm.h>

/* A country's way to name companies and people. %s %s in the pattern: head, tail. */
struct region {
    const char *country, *territory, *city[3];
    const char *company; /* pattern with two %s */
    const char *heads[8], *tails[8], *trades[4];
    const char *first[8], *last_heads[6], *last_tails[6];
    const char *phone; /* pattern with one %03u, from a range kept free for fiction where there is one */
    unsigned weight;   /* how many of a hundred customers */
};

static const struct region regions[] = {
    {"DE",
     "North",
     {"Nordhafen", "Grünwalde", "Seeburg"},
     "%s%s %s",
     {"Süd", "Grün", "Blau", "Alt", "Öst", "Neu", "Hoch", "Kühl"},
     {"werk", "tal", "bach", "feld", "stein", "brück", "mühl", "hafen"},
     {"Maschinen GmbH", "Technik AG", "Bau KG", "Logistik GmbH"},
     {"Mia", "Jonas", "Lea", "Finn", "Käthe", "Jörg", "Anke", "Bjarne"},
     {"Eich", "Brück", "Roß", "Kühn", "Grün", "Wald"},
     {"hofer", "mann", "städt", "bacher", "berg", "lechner"},
     "+49 30 23125 %03u",
     40},
    {"GB",
     "West",
     {"Easthaven", "Millbridge", "Stonely"},
     "%s%s %s",
     {"North", "Bright", "Stone", "Elm", "Clear", "Red", "Lake", "Wind"},
     {"bridge", "field", "port", "wick", "combe", "worth", "mere", "gate"},
     {"Systems Ltd", "Foods plc", "Textiles Ltd", "Energy Ltd"},
     {"Ava", "Noah", "Isla", "Leo", "Ruby", "Evan", "Nell", "Hugh"},
     {"Ash", "Black", "Hart", "Winter", "Marl", "Thorn"},
     {"ley", "wood", "combe", "ton", "field", "ridge"},
     "+44 20 7946 0%03u",
     18},
    {"FR",
     "West",
     {"Pont-Bleu", "Valmer", "Saint-Orme"},
     "%s %s %s",
     {"Atelier", "Maison", "Moulin", "Forge", "Comptoir", "Verrerie", "Jardin", "Port"},
     {"du Lac", "de l'Étoile", "des Chênes", "du Pré", "de la Côte", "d'Août", "du Nord", "des Îles"},
     {"SARL", "SAS", "SA", "SNC"},
     {"Chloé", "Théo", "Zoé", "Hugo", "Inès", "Noé", "Maëlle", "Loïc"},
     {"Mont", "Bel", "Clair", "Roch", "Fon", "Val"},
     {"bois", "lieu", "mont", "taine", "court", "rive"},
     "+33 1 99 00 1%03u",
     14},
    {"TR",
     "South",
     {"Akçapınar", "Yeşilova", "Çamlıdere"},
     "%s %s %s",
     {"Güneş", "Yıldız", "Çınar", "Ilıca", "Deniz", "Şafak", "Göl", "Bahçe"},
     {"Kaya", "Dağ", "Su", "Yolu", "Kapı", "Taş", "Ova", "Pınar"},
     {"Tekstil A.Ş.", "Gıda Ltd. Şti.", "Makina A.Ş.", "Lojistik A.Ş."},
     {"Ayşe", "Deniz", "İpek", "Can", "Ece", "Kerem", "Gül", "Onur"},
     {"Ak", "Demir", "Öz", "Kara", "Şen", "Yıl"},
     {"taş", "kan", "su", "göl", "can", "dağ"},
     "+90 212 555 0%03u",
     8},
    {"CN",
     "East",
     {"安河", "海宁湾", "新林"},
     "%s%s%s",
     {"华", "东", "海", "新", "安", "明", "金", "永"},
     {"泰", "科", "达", "丰", "源", "通", "兴", "和"},
     {"机械有限公司", "电子有限公司", "贸易有限公司", "物流有限公司"},
     {"明", "静", "伟", "丽", "晨", "雪", "宁", "航"},
     {"木", "云", "石", "青", "林", "水"},
     {"", "", "", "", "", ""},
     "+86 10 5555 0%03u",
     12},
    {"AE",
     "South",
     {"الميناء", "الواحة", "الرمال"},
     "شركة %s %s %s",
     {"النور", "الواحة", "السلام", "الميناء", "النجم", "الأمل", "البحر", "الصحراء"},
     {"الجديدة", "الذهبية", "الخضراء", "الكبرى", "المتحدة", "الأولى", "الدولية", "الحديثة"},
     {"للتجارة", "للصناعة", "للنقل", "للأغذية"},
     {"ليلى", "نور", "سامي", "هدى", "كريم", "ريم", "زياد", "سلمى"},
     {"النور", "البحر", "الجبل", "السهل", "الواد", "النخل"},
     {"ي", "اوي", "اني", "ي", "اوي", "اني"},
     "+971 4 555 0%03u",
     8},
};

static const char *const user_names[] = {"Mia Brückberg", "Jonas Kühnhofer", "Ayşe Karasu",
                                         "Noah Ashcombe", "Chloé Montbois",  "林晨",
                                         "ليلى النوري",   "Finn Waldstädt"};
static const char *const user_logins[] = {"mia", "jonas", "ayse", "noah", "chloe", "linchen", "layla", "finn"};
static const char *const user_teams[] = {"Red", "Red", "Blue", "Blue", "Green", "Green", "Blue", "Red"};
static const char *const user_territories[] = {"North", "North", "South", "West", "West", "East", "South", "North"};

static const struct {
    const char *name, *sku, *family;
    int price; /* euros, of one deal's usual size */
} products[] = {
    {"Pump P10", "P-10", "Pumps", 4200},           {"Pump P40", "P-40", "Pumps", 16500},
    {"Control unit C2", "C-2", "Controls", 9800},  {"Control room C9", "C-9", "Controls", 64000},
    {"Service contract", "S-1", "Service", 12000}, {"Spare parts kit", "S-2", "Service", 2600},
};

static const char *const industries_of_trade[] = {"machinery", "technology", "construction", "logistics"};
static const char *const titles[] = {"Purchasing", "Plant manager", "Engineer", "Managing director", "Maintenance"};

/* What interactions are about, by CRM_INTERACTION_TYPE_. */
static const char *const subjects[][4] = {
    [CRM_INTERACTION_TYPE_CALL] = {"Asked about delivery times", "Call about the offer", "Stock running low?",
                                   "Called back, left a message"},
    [CRM_INTERACTION_TYPE_MEETING] = {"Technical requirements", "Offer walked through", "Terms and price",
                                      "Meeting with purchasing"},
    [CRM_INTERACTION_TYPE_TASK] = {"Send new price list", "Check the credit limit", "Prepare an offer",
                                   "Ask for feedback"},
    [CRM_INTERACTION_TYPE_EMAIL] = {"Order confirmed", "Invoice sent", "Thanks for the order", "Tracking number"},
    [CRM_INTERACTION_TYPE_VISIT] = {"On site: installation", "On site: yearly review", "Workshop", "Plant tour"},
    [CRM_INTERACTION_TYPE_PURCHASE] = {"Order", "Repeat order", "Order by web shop", "Framework call-off"},
    [CRM_INTERACTION_TYPE_COMPLAINT] = {"Delivered late", "Wrong part delivered", "Pump leaks", "Invoice wrong"},
};

#endif
