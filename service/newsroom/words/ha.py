"""Hausa, in the Latin (boko) script. Institutions are feminine, so that « ta » agrees whatever fills the slot."""

from service.newsroom.words.stock import Labels, Stock, listed

HAUSA = Stock(
    language="ha",
    places=listed(
        "Tafkin Giwa, Dutsen Zaki, Garin Malam, Kogin Fari, Rijiyar Zuma, Kwanar Dawa, Gadar Ƙarfe, Unguwar Rimi, "
        "Birnin Tsamiya, Sabon Fage, Kufan Gari, Tudun Kaba, Ruwan Ɗorawa, Hayin Ɓaure, Madatsar Goro, Fadamar Kifi, "
        "Kasuwar Shanu, Bakin Teku"
    ),
    given=listed(
        "Abdullahi, Bilkisu, Garba, Hauwa, Ibrahim, Jamila, Kabiru, Ladi, Mansur, Nafisa, Rabi, Sani, Talatu, Umar, "
        "Yakubu, Zainab"
    ),
    surnames=listed(
        "Ɗantakarda, Mai-Goro, Gwandabawa, Tsamiya, Ƙarami, Madugu, Sarkin-Ruwa, Bakatsine, Maigari, Ɗanbirni, Rimi, "
        "Gandu, Mai-Zuma, Ɓagwai, Kaura, Fagge-Dawa"
    ),
    institutions=listed(
        "hukumar ruwa, ma'aikatar sufuri, ƙungiyar masunta, majalisar ƙananan hukumomi, jami'ar Tafki, cibiyar "
        "binciken iri, hukumar tashoshin jirgin ruwa, ma'aikatar lafiya, ƙungiyar direbobi, hukumar gidaje, ƙungiyar "
        "agaji ta Koren Wata, hukumar kula da kogi, ma'aikatar ilimi, cibiyar 'yan kasuwa"
    ),
    projects=listed(
        "aikin sabuwar gada, aikin madatsar ruwa, aikin sabuwar kasuwa, aikin asibitin arewa, shirin abincin 'yan "
        "makaranta, aikin tashar hasken rana, shirin dashen itatuwa, aikin hanyar dutse, shirin rajistar filaye, "
        "aikin motocin dare, aikin tashar hatsi, shirin sauya farashin ruwa, aikin gyaran tsohuwar tasha, aikin tace "
        "ruwa"
    ),
    months=listed("Janairu, Fabrairu, Maris, Afrilu, Mayu, Yuni, Yuli, Agusta, Satumba, Oktoba, Nuwamba, Disamba"),
    sections=(
        ("labarai", "Labarai"),
        ("duniya", "Duniya"),
        ("tattalin-arziki", "Tattalin arziƙi"),
        ("lafiya", "Lafiya"),
        ("kimiyya", "Kimiyya"),
        ("al-adu", "Al'adu"),
        ("wasanni", "Wasanni"),
    ),
    headlines=(
        "Mazauna {town} sun rabu kan {project}",
        "{Body} ta yi alƙawarin miliyan {n} ga {town}",
        "Ambaliya ta raba iyalai {n} da gidajensu a {town}",
        "An jinkirta aiki tsakanin {town} da {neighbour} na watanni {few}",
        "Me ya sa {project} ke damun 'yan kasuwar {neighbour}?",
        "{person}: za a sake buɗe kasuwar {town} a watan {month}",
        "{town} ta samu sabbin guraben aiki {n}",
        "{Body} ta dakatar da aiki kusa da {neighbour}",
        "Masuntan {town} na neman yarjejeniya kafin watan {month}",
        "{town} ta amince da kasafin miliyan {n} domin {project}",
    ),
    standfirsts=(
        "Kansilolin {town} sun yi muhawara na sa'o'i {few} ba tare da cimma matsaya ba; {body} za ta yanke hukunci "
        "kafin ƙarshen watan {month}.",
        "Wani rahoto mai shafi {n} ya bayyana dalilan jinkiri, kuɗin da aka kashe da kuma hanyoyi {few} da suka rage.",
        "{Body} ta ce ba za a sauya lokaci ba, amma {person} da maƙwabta {n} na neman tabbaci a rubuce.",
        "A {town}, {project} ya riga ya sauya rayuwar gidaje {n}, wasu na murna wasu kuma na fargaba.",
        "Za a ci gaba da tattaunawa tsakanin {town} da {neighbour} ranar {day} ga watan {month}; ga abin da aka cimma "
        "da wanda ya rage.",
    ),
    openings=(
        "{Body} ta gabatar da matakai {few} kan {project} ranar {day} ga watan {month} a {town}, abin da mutanen "
        "{neighbour} ke jira tun shekara ta {year}.",
        "Kafin wayewar garin ranar {day} ga watan {month}, manyan motoci na farko sun isa {town}, inda mutane {n} ke "
        "jiransu a ƙofar ofishin gari.",
        "Bayan makonni {few} ana tattaunawa, {body} da wakilan {town} sun sanya hannu kan yarjejeniyar miliyan {n} "
        "game da {project}.",
        "Fiye da mazauna {town} {n} ne suka fito kan tituna ranar {day} ga watan {month} domin neman bayani kan "
        "{project}.",
        "Majalisar {town} ta amince da ƙuri'u {n}, yayin da {few} suka ƙi, da tallafa wa {project} har zuwa shekara "
        "ta 2031.",
        "Hanyar da ta haɗa {town} da {neighbour} za ta kasance a rufe har ranar {day} ga watan {month}, a cewar "
        "{body}, domin a duba gadoji {n}.",
        "Adadin ya ba ƙwararru mamaki: a cikin shekara guda mutanen {town} sun ƙaru da {n}, wato kashi {percent} fiye "
        "da shekara ta {year}.",
    ),
    facts=(
        "A cewar {body}, gidaje {n} ne abin ya shafa kai tsaye, kuma wasu {m} na iya biyo baya kafin watan {month}.",
        "Kuɗin aikin yanzu ya kai miliyan {n}, ƙarin kashi {percent} kan abin da aka yi hasashe a shekara ta {year}.",
        "Alƙaluman farko da aka fitar ranar {day} ga watan {month} sun nuna takardun neman izini {n} da ƙorafe-ƙorafe "
        "{few}.",
        "{Office} ta tunatar cewa an ɗage {project} sau {few} tun shekara ta {year} saboda rashin kuɗi.",
        "A unguwannin kudancin {town}, gidaje {n} ba su karɓi takardar da aka yi alƙawari a watan {month} ba tukuna.",
        "Injiniyoyi sun sanya alamun bincike {n} a gefen kogin, kuma {few} daga cikinsu sun tsage.",
        "A {neighbour} da ke maƙwabtaka, yawan baƙi ya ragu da kashi {percent} cikin watanni {few}.",
        "{person}, da ke bibiyar lamarin tun shekara ta {year}, na ganin sai an ƙara kwanaki {n} na aiki kafin a buɗe.",
        "Za a buɗe asusun miliyan {n} ranar {day} ga watan {month}, inda {office} za ta kula da shi.",
        "Ma'aikata {n} na aiki dare da rana a ƙungiyoyin mutane {few} har sai komai ya koma daidai.",
        "A kasuwa, farashin buhun shinkafa ya tashi da kashi {percent} tsakanin watan {month} da ƙarshen shekara, "
        "kamar yadda binciken shaguna {n} ya nuna.",
        "Cikin mutane {n} da aka tambaya, kashi {percent} sun ce suna tunanin barin {town}.",
        "Tawagar kansiloli {few} ta je {neighbour} domin duba irin wannan aiki da aka buɗe a shekara ta {year}.",
        "Tsarin ya kuma tanadi tallafin naira dubu {n} ga kowane gida, a biya sau {few} daga ranar {day} ga watan "
        "{month}.",
        "A rahotonta mai shafi {n}, {office} ta gano kura-kurai {few} a wajen bayar da kwangila.",
        "Ruwan saman da aka yi ranar {day} ga watan {month} ya zaizaye mita {n} na gaɓar kogi, ya kuma katse hanyar "
        "zuwa makarantu {few}.",
        "Saboda rashin kayan gyara, motoci {n} cikin {m} na ajiye a garejin {neighbour}.",
        "Duk da haka kakar ta fara da kyau: an sauke tan {n} na kifi, idan aka kwatanta da {m} a irin wannan lokaci "
        "na shekara ta {year}.",
        "Kusan ɗalibai {n} sun koma karatu a azuzuwan wucin gadi da aka kafa cikin kwanaki {few}.",
        "{Body} ta ce ta tuntuɓi ƙungiyoyi {n}, amma {few} daga cikinsu sun ƙalubalanci bayanan taron.",
        "Bayanan {office} sun nuna cewa ruwan tafkin ya ragu da santimita {n} tun watan {month} na shekara ta {year}.",
        "An bai wa kamfanoni {few} na {neighbour} aikin, kuma za su ɗauki mutane {n} a matakin farko.",
        "Asibitin {town} ya karɓi marasa lafiya {n} a makon da ya gabata, ƙarin kashi {percent} kan yadda aka saba.",
        "Takardar koke da {witness} ya fara ta samu sa hannun mutane {n} cikin kwanaki {few}.",
        "Kotu za ta saurari ƙarar masu filaye {n} ranar {day} ga watan {month}.",
        "A tashar {town}, fasinjoji {n} sun jira har dare, amma jiragen ƙasa {few} ne kawai suka tashi.",
    ),
    quotes=(
        '"Mun jira shekaru {few}, za mu iya ƙara jiran kwanaki {n}, amma ba fiye da haka ba," in ji {witness}.',
        '"Babu wanda ya tambaye mu ra\'ayinmu kan {project}," in ji {witness}, mazaunin {town} tun shekara ta {year}.',
        '"An sanya hannu kan kwangiloli {n} na farko, sauran za su biyo baya kafin watan {month}," a cewar {person}.',
        '"Ba batun kuɗi ba ne: muna buƙatar injiniyoyi {few} da kayan aiki {n}," in ji {person}.',
        '"Mutane {n} a nan da kamun kifi suke rayuwa; idan aka rufe hanyar ruwa, ina za su je?" in ji {witness}.',
        '"Ranar {day} ga watan {month} tana nan daram, ni ne zan amsa," {person} ya shaida wa baƙi {n}.',
        '"A {neighbour} sun yi nasara cikin watanni {few}; mu ma za mu iya da masu sa kai {n}," in ji {witness}.',
    ),
    closings=(
        "Za a yi taron jama'a na gaba ranar {day} ga watan {month} a ɗakin taro na {town}, mai kujeru {n}.",
        "Dole ne {body} ta bayyana matsayinta kafin ranar {day} ga watan {month}; masu ƙorafi {n} za su jira har "
        "lokacin.",
        "Kafin nan, {witness} da maƙwabta {n} za su ci gaba da zuwa {neighbour}, mai nisan kilomita {few}.",
        "Za a fitar da sabon bincike ranar {day} ga watan {month}, wanda zai shafi garuruwa {n}.",
        "Mazauna {town} za su kaɗa ƙuri'a a watan {month}, karo na farko tun shekara ta {year}, inda mutane {n} suka "
        "yi rajista.",
        "Idan komai ya tafi yadda aka tsara, {project} zai amfani mutane {n} na farko a watan {month}.",
    ),
    captions=(
        "Wani titi a {town}, watan {month} na {year}.",
        "{person} a ƙofar ofishin garin {town}, watan {month} na {year}.",
        "Tashar {neighbour} daga sama, watan {month} na {year}.",
        "Ranar kasuwa a {town}, watan {month} na {year}.",
    ),
    edited="{headline} (sabon bayani)",
    labels=Labels(
        home="Shafin farko",
        read_also="Karanta kuma",
        share="Yaɗa",
        published="An wallafa",
        updated="An sabunta",
        by="Daga",
        most_read="Waɗanda aka fi karantawa",
        related="Labarai masu alaƙa",
        comments="Ra'ayoyi",
        reply="Amsa",
        newsletter="Labaran yau a akwatin imel ɗinku kowace safiya.",
        subscribe="Yi rajista",
        cookies="Mu da abokan hulɗarmu muna amfani da kukis domin auna yadda ake amfani da wannan shafi.",
        accept="Karɓi duka",
        refuse="Ƙi duka",
        search="Bincika",
        about="Game da mu",
        contact="Tuntuɓe mu",
        legal="Ƙa'idojin amfani",
        follow="Ku biyo mu",
        photo="Hoto",
        advertisement="Talla",
        rights="An kiyaye duk haƙƙoƙi. Ba mu da alhakin abin da ke shafukan waje.",
    ),
)
