//! Words that a line holds which is nothing but a date or a time, in the languages that channels use.

use std::{collections::HashSet, sync::LazyLock};

/// Whether `word` may stand in such a line: figures, a month, a day of the week, and what stands between them.
pub(super) fn is_of_date(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let figures = bare.trim_start_matches(|c: char| !c.is_alphabetic());
    // `1st`, `12h`, `2026г`: what hangs on a figure.
    let hangs = figures.len() < bare.len() && figures.chars().count() <= 4;
    figures.is_empty()
        || WORDS.contains(bare.as_str())
        || hangs && (ON_FIGURES.contains(&figures) || WORDS.contains(figures))
}

static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| NAMES.split_whitespace().collect());

const ON_FIGURES: [&str; 17] =
    ["年", "月", "日", "st", "nd", "rd", "th", "am", "pm", "h", "г", "го", "й", "е", "er", "º", "ª"];

const NAMES: &str = "
    am pm at on of the utc gmt msk cet est pst year мск в г года год час ч de del du le la el den der dem um uhr kl o à
    january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday
    mon tue wed thu fri sat sun today yesterday tomorrow
    январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь
    января февраля марта апреля мая июня июля августа сентября октября ноября декабря
    янв фев мар апр июн июл авг сен сент окт ноя нояб дек
    понедельник вторник среда четверг пятница суббота воскресенье пн вт ср чт пт сб вс сегодня вчера завтра
    січень лютий березень квітень травень червень липень серпень вересень жовтень листопад грудень
    січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня року
    понеділок вівторок середа четвер п'ятниця субота неділя
    januar februar märz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    lunes martes miércoles jueves viernes sábado domingo
    janvier février mars avril juin juillet août septembre octobre novembre décembre
    lundi mardi mercredi jeudi vendredi samedi dimanche
    gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
    lunedì martedì mercoledì giovedì venerdì sabato domenica
    janeiro fevereiro março maio junho julho setembro outubro novembro dezembro
    stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
    poniedziałek wtorek środa czwartek piątek sobota niedziela
    leden února března dubna května června července srpna září října prosince
    ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
    pazartesi salı çarşamba perşembe cuma cumartesi pazar";
