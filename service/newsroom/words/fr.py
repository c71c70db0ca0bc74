"""French. Patterns never put « de » or « à » before an institution or a project: their articles would contract."""

from service.newsroom.words.stock import Labels, Stock, listed

FRENCH = Stock(
    language="fr",
    decimal=",",
    places=listed(
        "Valmarin, Kéroura, Saint-Elme-sur-Ondre, Baraboulé, Tiémorola, Port-Azur, Nandiara, Mont-Séraphin, "
        "Castelrive, Dioulacoro, Lac-aux-Grues, Pont-d'Ivrel, Sarakolé, Villebrune, Bois-Ménard, Fort-Cyrille, "
        "Tanambo, Roquefeuille-les-Bains"
    ),
    given=listed(
        "Awa, Benoît, Clarisse, Daouda, Édith, Fabrice, Ginette, Hamidou, Inès, Joseph, Léa, Moussa, Nadège, Octave, "
        "Rokia, Thibault"
    ),
    surnames=listed(
        "Arbelot, Bamanou, Courtelain, Diarrasso, Ferrandon, Guéhénec, Houssaye, Kermoal, Lamoriel, Mérigaud, "
        "N'Goran-Faye, Ouattassi, Pélissanne, Rabéarison, Sissokho-Brun, Trévédy"
    ),
    institutions=listed(
        "l'Agence de l'eau, l'Office des ports, la Banque du fleuve, la Chambre des métiers, la Commission des "
        "pêches, l'université de l'Ondre, le ministère des Transports, la Croix-Verte, l'Observatoire du littoral, le "
        "Conseil des communes, la Fédération des transporteurs, le Fonds pour l'habitat, l'Institut des semences, la "
        "Cour des budgets"
    ),
    projects=listed(
        "la nouvelle ligne de tramway, le barrage de la haute vallée, le marché couvert du centre, la réforme des "
        "tarifs de l'eau, le pont de la lagune, la centrale solaire des collines, l'hôpital du district nord, la "
        "digue du vieux port, le programme de cantines scolaires, la piste forestière de l'est, le réseau de bus de "
        "nuit, la station d'épuration, la campagne de reboisement, le registre foncier numérique"
    ),
    months=listed("janvier, février, mars, avril, mai, juin, juillet, août, septembre, octobre, novembre, décembre"),
    sections=(
        ("afrique", "Afrique"),
        ("monde", "Monde"),
        ("economie", "Économie"),
        ("societe", "Société"),
        ("sciences", "Sciences"),
        ("culture", "Culture"),
        ("sports", "Sports"),
    ),
    headlines=(
        "À {town}, {project} divise les habitants",
        "{town} : {n} familles attendent toujours une réponse",
        "{Body} promet {few} mesures d'urgence pour {town}",
        "Entre {town} et {neighbour}, {project} prend du retard",
        "{person} : « Nous ne quitterons pas {town} »",
        "Pourquoi {project} inquiète les commerçants de {town}",
        "{town} vote un budget de {n} millions pour relancer l'emploi",
        "Crue à {town} : {n} maisons évacuées, {body} mobilise ses équipes",
        "{Body} suspend ses travaux près de {neighbour}",
        "À {neighbour}, les pêcheurs réclament un accord avec {body}",
    ),
    standfirsts=(
        "Les élus de {town} ont débattu pendant {few} heures sans parvenir à un accord ; {body} doit trancher "
        "avant la fin {month}.",
        "Reportage à {town}, où {project} change déjà le quotidien de {n} foyers et suscite autant d'espoirs que de "
        "craintes.",
        "{Body} parle d'un calendrier tenable, mais sur place {person} et ses voisins demandent des garanties écrites.",
        "Un rapport de {n} pages remis à {town} détaille les retards, les coûts et les {few} pistes retenues pour en "
        "sortir.",
        "Depuis le {day} {month}, les réunions se succèdent entre {town} et {neighbour} ; le point sur ce qui est "
        "acquis et ce qui ne l'est pas.",
    ),
    openings=(
        "{Body} a présenté le {day} {month} à {town} un plan de {few} mesures concernant {project}, attendu depuis "
        "{year} par les habitants de {neighbour}.",
        "Il était à peine six heures, le {day} {month}, quand les premiers camions sont arrivés à {town} : {n} "
        "personnes les attendaient déjà devant la mairie.",
        "Après {few} semaines de discussions, {body} et les représentants de {town} ont signé un accord de {n} "
        "millions sur {project}.",
        "À {town}, la colère ne retombe pas : plus de {n} riverains ont défilé le {day} {month} pour demander des "
        "comptes sur {project}.",
        "Le conseil municipal de {town} a adopté, par {n} voix contre {few}, une délibération qui engage la ville "
        "pour {project} jusqu'en 2031.",
        "La route qui relie {town} à {neighbour} restera fermée jusqu'au {day} {month}, a indiqué {body}, le temps de "
        "contrôler {n} ouvrages.",
        "C'est un chiffre qui surprend jusqu'aux spécialistes : en un an, {town} a gagné {n} habitants, soit "
        "{percent} % de plus qu'en {year}.",
    ),
    facts=(
        "Selon {body}, {n} foyers sont directement concernés et {m} autres pourraient l'être d'ici à {month}.",
        "Le coût total, estimé à {n} millions, a augmenté de {percent} % par rapport aux prévisions de {year}.",
        "Un premier bilan, publié le {day} {month}, fait état de {n} dossiers déposés et de {few} recours.",
        "Le calendrier a changé {few} fois depuis {year}, faute de financement, rappelle {office}.",
        "Dans les quartiers sud de {town}, {n} ménages n'ont toujours pas reçu le courrier annoncé pour {month}.",
        "Les équipes techniques ont relevé {n} points de contrôle le long de la rivière, dont {few} présentent des "
        "fissures.",
        "À {neighbour}, la commune voisine, on observe le même phénomène : la fréquentation a reculé de {percent} % "
        "en {few} mois.",
        "{person}, qui suit le dossier depuis {year}, estime qu'il faudra encore {n} jours de travaux avant la mise "
        "en service.",
        "Un fonds de {n} millions doit être ouvert le {day} {month} ; {office} en assurera la gestion.",
        "Les {n} agents mobilisés se relaient par équipes de {few}, de jour comme de nuit, jusqu'au retour à la "
        "normale.",
        "Sur le marché, le prix du sac de riz a bondi de {percent} % entre {month} et la fin de l'année, d'après un "
        "relevé de {n} étals.",
        "L'enquête menée auprès de {n} personnes montre que {percent} % d'entre elles envisagent de quitter {town}.",
        "Une délégation de {few} élus s'est rendue à {neighbour} pour étudier une installation semblable, ouverte en "
        "{year}.",
        "Le texte prévoit aussi une aide de {n} euros par foyer, versée en {few} fois à partir du {day} {month}.",
        "Dans son dernier rapport, long de {n} pages, {office} relève {few} irrégularités dans les appels d'offres.",
        "Les pluies du {day} {month} ont emporté {n} mètres de berge et coupé l'accès à {few} écoles.",
        "Faute de pièces, {n} véhicules sur {m} restent immobilisés au dépôt de {neighbour}.",
        "La saison a pourtant bien commencé : {n} tonnes ont été débarquées au port, contre {m} à la même date en "
        "{year}.",
        "Près de {n} élèves ont repris les cours dans des salles provisoires montées en {few} jours.",
        "{Body} dit avoir consulté {n} associations, mais {few} d'entre elles contestent le compte rendu.",
        "D'après les relevés de {office}, le niveau du lac a baissé de {n} centimètres depuis {month} {year}.",
        "Les travaux, confiés à {few} entreprises de {neighbour}, emploieront {n} personnes pendant la première phase.",
        "Au dispensaire de {town}, {n} consultations ont été enregistrées la semaine dernière, {percent} % de plus "
        "qu'à l'ordinaire.",
        "Une pétition lancée par {witness} a recueilli {n} signatures en {few} jours.",
        "Le tribunal administratif examinera le {day} {month} la requête de {n} propriétaires.",
        "À la gare de {town}, {n} voyageurs ont attendu jusqu'au soir, et {few} trains seulement sont partis.",
    ),
    quotes=(
        "« Nous avons attendu {few} ans, nous pouvons attendre encore {n} jours, mais pas un de plus », prévient "
        "{witness}.",
        "« Personne ne nous a demandé notre avis sur {project} », regrette {witness}, qui habite {town} depuis {year}.",
        "« Les {n} premiers contrats sont signés, le reste suivra avant {month} », assure {person}.",
        "« Ce n'est pas une question d'argent : il manque {few} techniciens et {n} pièces », explique {person}.",
        "« Ici, {n} personnes vivent de la pêche ; si l'on ferme le chenal, que deviendront-elles ? », demande "
        "{witness}.",
        "« Le calendrier sera tenu, nous en prenons l'engagement pour le {day} {month} », a déclaré {person} devant "
        "{n} invités.",
        "« À {neighbour}, ils ont réussi en {few} mois ; nous devrions y arriver aussi avec {n} volontaires », veut "
        "croire {witness}.",
    ),
    closings=(
        "La prochaine réunion publique est fixée au {day} {month}, dans la salle des fêtes de {town}, qui compte {n} "
        "places.",
        "{Body} doit rendre un avis définitif avant le {day} {month} ; les {n} plaignants attendront cette date.",
        "En attendant, {witness} et ses {n} voisins continueront de faire le trajet jusqu'à {neighbour}, à {few} "
        "kilomètres de là.",
        "Un nouveau relevé sera publié le {day} {month} et portera cette fois sur {n} communes.",
        "Les habitants de {town} se prononceront par référendum en {month}, une première depuis {year} pour les {n} "
        "électeurs inscrits.",
        "Si tout se passe comme prévu, {project} accueillera ses {n} premiers usagers en {month}.",
    ),
    captions=(
        "Une rue de {town}, en {month} {year}.",
        "{person} devant la mairie de {town}, en {month} {year}.",
        "Vue aérienne du port de {neighbour}, en {month} {year}.",
        "Sur le marché de {town}, en {month} {year}.",
    ),
    edited="{headline} (actualisé)",
    labels=Labels(
        home="Accueil",
        read_also="Lire aussi",
        share="Partager",
        published="Publié le",
        updated="Modifié le",
        by="Par",
        most_read="Les plus lus",
        related="Sur le même sujet",
        comments="Commentaires",
        reply="Répondre",
        newsletter="Recevez chaque matin l'essentiel de l'actualité dans votre boîte de réception.",
        subscribe="Je m'abonne",
        cookies="Avec votre accord, nos partenaires et nous utilisons des cookies pour mesurer l'audience de ce site.",
        accept="Tout accepter",
        refuse="Continuer sans accepter",
        search="Rechercher",
        about="Qui sommes-nous ?",
        contact="Nous écrire",
        legal="Mentions légales",
        follow="Suivez-nous",
        photo="Photo",
        advertisement="Publicité",
        rights="Tous droits réservés. La rédaction n'est pas responsable des contenus provenant de sites externes.",
    ),
)
