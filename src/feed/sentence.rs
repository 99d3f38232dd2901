//! Where a sentence ends. Unicode's rules (UAX 29) end one at every full stop before a capital letter, so behind most
//! abbreviations, initials and ordinals, too; what may be one of these is no end here, in whatever language. Errs on one
//! side only: an end that is not seen costs a title nothing but its full stop, a false one costs it its sense.

use std::{collections::HashSet, sync::LazyLock};

use unicode_segmentation::UnicodeSegmentation;

/// The ends of the sentences that begin in the first `longest` bytes of `text`, in bytes and without the space behind
/// them. That of the last one is not among them: the text ends there anyway.
pub(super) fn sentence_ends(text: &str, longest: usize) -> impl Iterator<Item = usize> {
    let sentences = text.split_sentence_bound_indices().take_while(move |(start, _)| *start <= longest);
    sentences.filter_map(move |(start, sentence)| {
        let end = start + sentence.trim_end().len();
        (start + sentence.len() < text.len() && is_whole(&text[..end], sentence)).then_some(end)
    })
}

/// Whether `sentence`, which `text` ends with but for its space, is more than what stands before a dot.
fn is_whole(text: &str, sentence: &str) -> bool {
    let bare = sentence.trim_end().trim_end_matches(is_closing);
    let Some(mark) = bare.chars().next_back().filter(|mark| !mark.is_alphanumeric()) else { return false };
    let words = bare.trim_end_matches(|c: char| !c.is_alphanumeric() && !is_opening(c) && !c.is_whitespace());
    // Marks of Latin letters stand before a space, except within addresses; others need none.
    let parted = sentence.ends_with(char::is_whitespace) || !mark.is_ascii();
    parted
        && words.ends_with(char::is_alphanumeric)
        && (!is_dot(mark) || bare.ends_with("..") || ends_in_a_word(words))
        && is_balanced(text)
}

/// The full stop in its widths: the one mark that does not always end a sentence.
fn is_dot(mark: char) -> bool {
    matches!(mark, '.' | '\u{2024}' | '\u{fe52}' | '\u{ff0e}')
}

fn is_opening(mark: char) -> bool {
    matches!(mark, '(' | '[' | '{' | '«' | '„' | '“' | '‘' | '「' | '『' | '（' | '【')
}

fn is_closing(mark: char) -> bool {
    matches!(mark, ')' | ']' | '}' | '»' | '”' | '“' | '’' | '"' | '\'' | '」' | '』' | '）' | '】')
}

/// A sentence that ends within brackets or quotation marks is part of another.
fn is_balanced(text: &str) -> bool {
    let count = |marks: &[char]| text.chars().filter(|c| marks.contains(c)).count();
    let pairs = [['(', ')'], ['[', ']'], ['«', '»'], ['「', '」'], ['『', '』'], ['（', '）'], ['【', '】']];
    pairs.iter().all(|[open, close]| count(&[*open]) <= count(&[*close])) && count(&['"', '„', '“', '”']) % 2 == 0
}

/// Whether the last word of `words` is one that is written out. Shorter ones than five letters, or four with a vowel at
/// the end, may be short for something; so may what holds dots, digits, or Roman numerals.
fn ends_in_a_word(words: &str) -> bool {
    let word = words.rsplit(|c: char| c.is_whitespace() || is_opening(c) || c == '"' || c == '/').next();
    let word = word.unwrap_or_default().trim_end_matches(is_closing);
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let lower = word.to_lowercase();
    let last_part = lower.rsplit(['-', '‑', '–']).next().unwrap_or_default();
    letters >= if lower.ends_with(is_vowel) { 4 } else { 5 }
        && !word.contains('.')
        && !word.chars().any(char::is_numeric)
        && !word.chars().all(|c| "IVXLCDM".contains(c))
        // `Bahnhofstr.`: German makes one word of it.
        && !last_part.ends_with("str")
        && ![&lower, last_part].iter().any(|word| ABBREVIATED.contains(*word))
}

/// Of the alphabets that use the full stop: no abbreviation but those of [`ABBREVIATIONS`] ends in one.
fn is_vowel(letter: char) -> bool {
    "aeiouyáéíóúýàèìòùâêîôûäëïöüãõåæøœąęěůőűıаеёиоуыэюяіїєαεηιουωάέήίόύώ".contains(letter)
}

static ABBREVIATED: LazyLock<HashSet<&str>> = LazyLock::new(|| ABBREVIATIONS.split_whitespace().collect());

/// Abbreviations of five letters and more, and of four with a vowel at the end; the shape of shorter ones gives them
/// away. From English, German, Czech and Slovak, Polish, French, Spanish and Portuguese, Italian, Turkish, Ukrainian,
/// Russian. Words that are mostly written out, such as months of five letters, are left out where they are words.
const ABBREVIATIONS: &str = "
    approx assoc comdr cmdre lieut maint messrs secy prefs illus introd trans sergt supts govts corps univs profs treas
    incorp equiv sects techn abschn abteil anschl beisp bundesst eigtl einschl entspr evang gesch hochsch insbes jahrh
    landkr möglw niederl nördl öffentl österr ostdt preuß schweiz sogen städt staatl süddt urspr vergl verantw vorauss
    westl westdt wissensch zeitschr zusätzl genmjr genplk genpor paeddr pharmdr případ respekt náměst odděl předn předs
    předsed středošk univerz stavit pprap nprap nstržm plukov hejtm arcib primát dolnośl inspekt kontradm nadinsp
    nadkom podinsp podkom podpłk przewodn rozporz ustaw wiceadm wicemin wiceprez wicestar województ współ współaut
    zarząd październ arrond assur bibliogr départ encycl exempl juill illustr mgre mlle mlles philos réimpr suppl théol
    univers collab admón arqto avda avdas ctra depto dpto dptos ejems excma excmo excmos ilma ilmo ilmos izqda izqdo
    lcda lcdo licda licdo ntra ntro pbro profa profra prólg rvda rvdo sgto srta srtas tfno tlfno teléf enga exma exmo
    exmas exmos ltda profª profas psicól rodov dottssa gentma gentmo illmo illma proff profssa sigra spett spettle
    tipogr ammin vicepres bşkan doçent fakül kaymak архієп депут доктр європ завід імпер інстит кандид комун міжнар
    муніц мікрор просп редкол селищ сторін технол франц берез верес листоп авиац автореф администр архиеп архим архит
    ассист библиогр больн воеводст воскр всерос галер гвард геогр генер госуд губерн демокр дерев директ диссерт
    древнегр древнегреч древнерус духовн европ железнод завед замест зампред зарег избир издат иллюстр импер иностр
    инстит информ исполн испан истор капит киносц классич колич комис комит композ корресп кресть кубич лаборат ленингр
    литер матем медиц междунар местор микрор минист митроп младш монаст муниц нариц народн насел нидерл обознач обществ
    объед относ перев перен петерб погов подполк полит помещ понед посвящ посёл предисл предст преимущ прибл прилаг
    прилож примеч прованс произв произнош прокур промышл противоп протоиер псевд разгов райцент режисс рекоменд религ
    респуб руковод сахал севастоп секрет следств соавт собств совмест соврем сокращ соотв старосл старш стилист стихотв
    субтр схиарх типогр территор технич трансп универ уполном урожд устар учебн фамил фармац фельдм фельдш филол филос
    финанс худож художн цитир экземпл эконом электр энцикл этногр юридич языкозн";
