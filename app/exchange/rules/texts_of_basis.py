"""Refusals that concern the basis: list, article, sanction, register of cases, second person."""

from app.exchange.rules.codes import RefusalCode
from app.exchange.rules.words import RefusalText, Words

_OTHER_BASIS = Words(
    "Осы сервисті ашатын негізді таңдаңыз.",
    "Выберите основание, которое открывает этот сервис.",
    "Choose a basis that opens the service.",
)
_ASK_FOR_BASIS = Words(
    "Осы негізге құқық алу үшін қол жеткізуге өтінім беріңіз.",
    "Подайте заявку на доступ с правом на это основание.",
    "File a request for access that names this basis.",
)
_EAIAS = Words(
    "Сот сұрау салуын соттардың ЕАИАС жүйесі арқылы жіберіңіз.",
    "Направьте запрос суда через ЕАИАС судов.",
    "Send a court's request through the courts' EAIAS.",
)
_ARTICLE = Words(
    "Істің тізбедегі бабын көрсетіңіз немесе бұл сервисті алып тастаңыз.",
    "Укажите статью дела из перечня или уберите этот сервис.",
    "Name the listed article of the case, or leave the service out.",
)
_NEW_SANCTION = Words(
    "Сотқа санкция алуға жаңа өтініш жіберіңіз.",
    "Направьте в суд новое ходатайство о санкции.",
    "Send the court a new application for a sanction.",
)
_CHECK_NUMBER = Words(
    "Істің нөмірі мен түрін тексеріңіз.",
    "Проверьте номер и вид дела.",
    "Check the number and the kind of the case.",
)
_LATER = Words(
    "Сәлден соң қайталаңыз; қайталанса, әкімшіге хабарлаңыз.",
    "Повторите позже; если повторится, сообщите администратору.",
    "Try again later; if it happens again, tell the administrator.",
)
_SECOND = Words(
    "Сұрау салуды басқа уәкілетті адам ЭЦҚ арқылы растауға тиіс.",
    "Запрос должно подтвердить по ЭЦП другое уполномоченное лицо.",
    "Another authorised person has to confirm the request by electronic signature.",
)

BASIS_TEXTS: dict[RefusalCode, RefusalText] = {
    RefusalCode.LIST_NO_BASIS: RefusalText(
        "4",
        "Мұндай негіз Қағидаларда жоқ.",
        "Такого основания в Правилах нет.",
        "The Rules know no such basis.",
        Words(
            "Негізді тізбеден таңдаңыз.",
            "Выберите основание из списка.",
            "Choose the basis from the list.",
        ),
    ),
    RefusalCode.BASIS_CLOSED: RefusalText(
        "24",
        "Бұл негіз жабық: оны заңға сілтемесі бар қағида ғана ашады.",
        "Основание закрыто: его открывает только норма со ссылкой на закон.",
        "The basis is closed: only a rule that refers to a law opens it.",
        Words(
            "Заңда көзделген басқа негіз бойынша сұрау салыңыз.",
            "Запросите по иному основанию, предусмотренному законом.",
            "Ask under another basis that the law provides.",
        ),
    ),
    RefusalCode.CHANNEL_ONLY_EAIAS: RefusalText(
        "24",
        "Бұл негізбен соттар тек ЕАИАС арқылы жүгінеді.",
        "По этому основанию суды обращаются только через ЕАИАС.",
        "Under this basis courts come only through EAIAS.",
        _EAIAS,
    ),
    RefusalCode.LIST_NOT_FOR_COURTS: RefusalText(
        "24",
        "Соттар арнасы арқылы бұл негіз ашылмайды.",
        "Через канал судов это основание не открывается.",
        "The courts' channel does not open this basis.",
        Words(
            "Сот ісінің негізін көрсетіңіз.",
            "Укажите основание судебного дела.",
            "Name the basis of a court's case.",
        ),
    ),
    RefusalCode.LIST_ROLE: RefusalText(
        "2",
        "Бұл негізді сіздің рөліңіз пайдалана алмайды.",
        "Ваша роль не может использовать это основание.",
        "Your role may not use this basis.",
        _OTHER_BASIS,
    ),
    RefusalCode.LIST_NOT_GRANTED: RefusalText(
        "2",
        "Бұл негіз сізге өтініміңіз бойынша берілмеген.",
        "Это основание не предоставлено вам по вашей заявке на доступ.",
        "Your request for access was not granted this basis.",
        _ASK_FOR_BASIS,
    ),
    RefusalCode.LIST_UNKNOWN: RefusalText(
        "2",
        "Сізге берілген негіздерді тексеру мүмкін болмады.",
        "Предоставленные вам основания не удалось проверить.",
        "The bases granted to you could not be checked.",
        _LATER,
    ),
    RefusalCode.LIST_NOT_PRIMARY: RefusalText(
        "20",
        "Бастапқы тексеру бұл сервисті ашпайды.",
        "Первичная проверка не открывает этот сервис.",
        "A primary check does not open this service.",
        _OTHER_BASIS,
    ),
    RefusalCode.LIST_NOT_OPENED: RefusalText(
        "2",
        "Бұл негіз бойынша сервис ашылмайды.",
        "По этому основанию сервис не открывается.",
        "The basis does not open this service.",
        _OTHER_BASIS,
    ),
    RefusalCode.ARTICLE_UNKNOWN: RefusalText(
        "2",
        "Бұл сервис үшін істің бабын көрсету қажет.",
        "Для этого сервиса нужна статья дела.",
        "The service needs the article of the case.",
        _ARTICLE,
    ),
    RefusalCode.ARTICLE_NOT_LISTED: RefusalText(
        "2",
        "Көрсетілген бап экономикалық қылмыстар тізбесінде жоқ.",
        "Указанной статьи нет в перечне экономических преступлений.",
        "The article named is not on the list of economic crimes.",
        _ARTICLE,
    ),
    RefusalCode.SANCTION_NONE: RefusalText(
        "28",
        "Бұл сервис үшін сот санкциясы қажет.",
        "Для этого сервиса нужна санкция суда.",
        "The service needs a sanction of the court.",
        _NEW_SANCTION,
    ),
    RefusalCode.SANCTION_NOT_YET: RefusalText(
        "28",
        "Сот санкция туралы әлі шешім қабылдаған жоқ.",
        "Суд ещё не решил вопрос о санкции.",
        "The court has not decided on the sanction yet.",
        Words(
            "Соттың шешімін күтіңіз.",
            "Дождитесь решения суда.",
            "Wait for the court's decision.",
        ),
    ),
    RefusalCode.SANCTION_REFUSED: RefusalText(
        "28",
        "Сот санкция бермеуге шешім қабылдады.",
        "Суд отказал в санкции.",
        "The court refused the sanction.",
        _NEW_SANCTION,
    ),
    RefusalCode.SANCTION_WITHDRAWN: RefusalText(
        "28",
        "Санкция қайтарып алынған.",
        "Санкция отозвана.",
        "The sanction was withdrawn.",
        _NEW_SANCTION,
    ),
    RefusalCode.SANCTION_EXPIRED: RefusalText(
        "28",
        "Санкцияның мерзімі өткен.",
        "Срок санкции истёк.",
        "The sanction has expired.",
        _NEW_SANCTION,
    ),
    RefusalCode.SANCTION_SCOPE: RefusalText(
        "28",
        "Санкция бұл адамды, сервисті немесе істі қамтымайды.",
        "Санкция не охватывает это лицо, сервис или дело.",
        "The sanction does not cover this subject, service or case.",
        _NEW_SANCTION,
    ),
    RefusalCode.SANCTION_UNKNOWN: RefusalText(
        "28",
        "Санкцияны тексеру мүмкін болмады.",
        "Санкцию не удалось проверить.",
        "The sanction could not be checked.",
        _LATER,
    ),
    RefusalCode.RECON_NOT_ASKED: RefusalText(
        "5",
        "Іс тіркелімде әлі тексерілген жоқ.",
        "Дело ещё не сверено с учётом.",
        "The case was not checked with its register yet.",
        _LATER,
    ),
    RefusalCode.RECON_NO_CASE: RefusalText(
        "5",
        "Тіркелім мұндай нөмірлі істі растамайды.",
        "Учёт не подтверждает дело с таким номером.",
        "The register does not confirm a case of this number.",
        _CHECK_NUMBER,
    ),
    RefusalCode.RECON_CLOSED: RefusalText(
        "5",
        "Іс жабылған.",
        "Дело закрыто.",
        "The case is closed.",
        Words(
            "Қозғалыстағы іс бойынша ғана сұрау салыңыз.",
            "Запрашивайте только по делу в производстве.",
            "Ask only under a case that is open.",
        ),
    ),
    RefusalCode.RECON_NOT_YOURS: RefusalText(
        "5",
        "Іс сіздің өндірісіңізде емес.",
        "Дело не находится в вашем производстве.",
        "The case is not in your work.",
        Words(
            "Істі жүргізетін адамға немесе топ мүшесіне хабарласыңыз.",
            "Обратитесь к тому, кто ведёт дело, или к члену группы.",
            "Ask whoever holds the case, or a member of its group.",
        ),
    ),
    RefusalCode.RECON_ORDER_NOT_ADDRESSED: RefusalText(
        "22",
        "Тапсырма сіздің органыңызға жолданбаған.",
        "Поручение адресовано не вашему органу.",
        "The order is not addressed to your body.",
        Words(
            "Тапсырманың шығыс нөмірін тексеріңіз.",
            "Проверьте исходящий номер поручения.",
            "Check the outgoing number of the order.",
        ),
    ),
    RefusalCode.RECON_REFUSED: RefusalText(
        "5",
        "Істер тіркелімі сауалға жауап беруден бас тартты.",
        "Учёт дел отказался отвечать на вопрос.",
        "The register of cases refused the question.",
        _CHECK_NUMBER,
    ),
    RefusalCode.RECON_ARTICLE: RefusalText(
        "5",
        "Тіркелім бойынша іс басқа бап бойынша қозғалған.",
        "По данным учёта дело возбуждено по другой статье.",
        "By its register the case is under another article.",
        _ARTICLE,
    ),
    RefusalCode.RECON_UNAVAILABLE: RefusalText(
        "5",
        "Істер тіркелімі жауап бермейді; сұрау салу 24 сағатқа дейін күтеді.",
        "Учёт дел не отвечает; запрос ждёт не дольше 24 часов.",
        "The register of cases is silent; the request waits for at most 24 hours.",
        Words(
            "Ештеңе істемеңіз: тексеру өздігінен қайталанады.",
            "Ничего делать не нужно: проверка повторится сама.",
            "Nothing has to be done: the check is repeated by itself.",
        ),
    ),
    RefusalCode.NEEDS_SECOND_PERSON: RefusalText(
        "22",
        "Халықаралық тапсырманы екінші адам растауы қажет.",
        "Международное поручение должно подтвердить второе лицо.",
        "An international order needs a second person to confirm it.",
        Words(
            "Тапсырманың құжатын тіркеңіз; содан кейін оны басқа уәкілетті адам электрондық"
            " қолтаңбамен растайды.",
            "Приложите документ поручения; затем его подтвердит электронной подписью другое"
            " уполномоченное лицо.",
            "Attach the document of the order; then another authorised person confirms it by"
            " electronic signature.",
        ),
    ),
    RefusalCode.SECOND_PERSON_REFUSED: RefusalText(
        "22",
        "Екінші адам сұрау салуды растамады.",
        "Второе лицо не подтвердило запрос.",
        "The second person did not confirm the request.",
        Words(
            "Тапсырманың деректерін тексеріп, жаңа сұрау салу жасаңыз.",
            "Проверьте данные поручения и сделайте новый запрос.",
            "Check the data of the order and make a new request.",
        ),
    ),
    RefusalCode.SECOND_PERSON_SELF: RefusalText(
        "22",
        "Өз сұрау салуыңызды өзіңіз растай алмайсыз.",
        "Нельзя подтвердить собственный запрос.",
        "Nobody may confirm a request of his own.",
        _SECOND,
    ),
    RefusalCode.SECOND_PERSON_UNKNOWN: RefusalText(
        "22",
        "Екінші адамның растауын тексеру мүмкін болмады.",
        "Подтверждение второго лица не удалось проверить.",
        "The second person's confirmation could not be checked.",
        _LATER,
    ),
}
