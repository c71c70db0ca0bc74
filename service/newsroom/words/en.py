"""English."""

from service.newsroom.words.stock import Labels, Stock, listed

ENGLISH = Stock(
    language="en",
    places=listed(
        "Ashmere, Brackwater, Calder Point, Dunfallow, Eastmarsh, Fenwick Sound, Greyholm, Harrowgate Bay, Kilmoran, "
        "Larkspur, Mallowby, North Tarrin, Oxley Reach, Pendry, Ravensford, Silverton Heath, Thornaby Cross, Westering"
    ),
    given=listed(
        "Adaeze, Bram, Catriona, Desmond, Elspeth, Femi, Gwendolyn, Hugh, Imogen, Jamal, Kezia, Lachlan, Marguerite, "
        "Nikhil, Oona, Tobias"
    ),
    surnames=listed(
        "Abernethy-Cole, Birtwhistle, Chukwudi, Dalgleish, Entwistle, Farquhar, Gathercole, Hollingbery, Iremonger, "
        "Kettleborough, Lanyon, Mbeki-Shaw, Oyelaran, Penhaligon, Ravindran, Thistlewood"
    ),
    institutions=listed(
        "the Harbour Board, the River Authority, the Transport Office, the Northern Health Trust, the Council of "
        "Parishes, the Fisheries Inspectorate, the Coastal Observatory, the Housing Fund, the University of Tarrin, "
        "the Grain Exchange, the Bridge Commission, the Drivers' Union, the Seed Institute, the Public Accounts Panel"
    ),
    projects=listed(
        "the tidal barrier, the night bus network, the covered market, the valley reservoir, the school meals scheme, "
        "the harbour tramway, the hillside solar farm, the district hospital, the land register, the coastal path, "
        "the grain terminal, the water tariff reform, the replanting programme, the ferry link"
    ),
    months=listed("January, February, March, April, May, June, July, August, September, October, November, December"),
    sections=(
        ("world", "World"),
        ("africa", "Africa"),
        ("business", "Business"),
        ("society", "Society"),
        ("science", "Science"),
        ("culture", "Culture"),
        ("sport", "Sport"),
    ),
    headlines=(
        "Residents of {town} split over {project}",
        "{Body} pledges {n} million for {town} after a year of delays",
        "Why {project} worries shopkeepers in {neighbour}",
        "Flooding forces {n} families from their homes in {town}",
        "{Project} between {town} and {neighbour} runs {few} months late",
        "{person} vows to reopen {town} market by {month}",
        "{town} gains {n} jobs as {project} gets under way",
        "{Body} halts work near {neighbour} after {few} complaints",
        "A winter without ferries: how {town} copes",
        "{town} council backs {project} by {n} votes",
    ),
    standfirsts=(
        "Councillors in {town} argued for {few} hours without a deal; {body} now has until the end of {month} to "
        "decide.",
        "A {n}-page report sets out the delays, the costs and the {few} options left on the table.",
        "{Body} insists the timetable can be kept, but {person} and {n} neighbours want guarantees in writing.",
        "In {town}, {project} is already changing the lives of {n} households, for better and for worse.",
        "Talks between {town} and {neighbour} resume on {day} {month}; here is what has been settled and what has not.",
    ),
    openings=(
        "{Body} set out a plan of {few} measures for {project} on {day} {month}, ending a wait that began in {year} "
        "for the people of {town}.",
        "The first lorries reached {town} shortly before dawn on {day} {month}, and {n} people were already waiting "
        "outside the town hall.",
        "After {few} weeks of talks, {body} and community leaders from {town} signed a {n} million agreement on "
        "{project}.",
        "More than {n} residents of {town} marched on {day} {month} to demand answers about {project}.",
        "The council of {town} voted by {n} to {few} to back {project}, committing the town to the plan until 2031.",
        "The road from {town} to {neighbour} will stay closed until {day} {month} while engineers inspect {n} "
        "culverts, {body} said.",
        "The figure surprised even the specialists: {town} has gained {n} inhabitants in a year, {percent} per cent "
        "more than in {year}.",
    ),
    facts=(
        "According to {body}, {n} households are directly affected and {m} more could be by {month}.",
        "The bill, now put at {n} million, has grown by {percent} per cent since the estimate of {year}.",
        "A first tally published on {day} {month} lists {n} applications and {few} appeals.",
        "{Office} points out that {project} has been put off {few} times since {year} for want of money.",
        "In the southern wards of {town}, {n} homes have yet to receive the letter promised for {month}.",
        "Surveyors marked {n} inspection points along the river, and {few} of them show cracks.",
        "Next door in {neighbour}, visitor numbers have fallen by {percent} per cent in {few} months.",
        "{person}, who has followed the matter since {year}, reckons on another {n} days of work before opening.",
        "A fund of {n} million is due to open on {day} {month}, with {office} keeping the accounts.",
        "The {n} staff on duty work in teams of {few}, day and night, until the service is back to normal.",
        "At the market, the price of a sack of flour rose {percent} per cent between {month} and the year's end, a "
        "survey of {n} stalls found.",
        "Of {n} people questioned for the study, {percent} per cent said they were thinking of leaving {town}.",
        "A party of {few} councillors travelled to {neighbour} to see a similar site that opened in {year}.",
        "The scheme also grants each household {n} pounds, paid in {few} instalments from {day} {month}.",
        "Its latest report, {n} pages long, lists {few} irregularities in the tenders, {office} noted.",
        "Rain on {day} {month} swept away {n} metres of embankment and cut off {few} schools.",
        "For lack of spare parts, {n} of the {m} vehicles are standing idle at the {neighbour} depot.",
        "The season began well all the same: {n} tonnes were landed, against {m} by the same date in {year}.",
        "About {n} pupils are back at their desks, in temporary classrooms put up in {few} days.",
        "{Body} says it consulted {n} associations, {few} of which dispute the minutes.",
        "Readings kept by {office} show that the lake has dropped {n} centimetres since {month} {year}.",
        "The contract went to {few} firms from {neighbour}, which will employ {n} people in the first phase.",
        "The clinic in {town} saw {n} patients last week, {percent} per cent more than usual.",
        "A petition started by {witness} gathered {n} signatures in {few} days.",
        "Judges will hear the case of {n} landowners on {day} {month}.",
        "At {town} station {n} passengers waited until nightfall, and only {few} trains left.",
    ),
    quotes=(
        "“We have waited {few} years; we can wait another {n} days, but not one more,” said {witness}.",
        "“Nobody asked us what we thought of {project},” said {witness}, who has lived in {town} since {year}.",
        "“The first {n} contracts are signed and the rest will follow by {month},” {person} said.",
        "“It is not about money: we are short of {few} engineers and {n} parts,” {person} explained.",
        "“Some {n} people here live by fishing; close the channel, and what becomes of them?” asked {witness}.",
        "“The date of {day} {month} stands, and I will answer for it,” {person} told an audience of {n}.",
        "“In {neighbour} they managed it in {few} months; with {n} volunteers so can we,” {witness} said.",
    ),
    closings=(
        "The next public meeting is on {day} {month} in the {town} assembly rooms, which seat {n}.",
        "{Body} must give its ruling by {day} {month}, and the {n} complainants will have to wait until then.",
        "Until then {witness} and {n} neighbours will keep making the trip to {neighbour}, {few} miles away.",
        "A further survey, this time of {n} parishes, is due on {day} {month}.",
        "The people of {town} will vote on the plan in {month}, the first such ballot since {year} for its {n} "
        "electors.",
        "If all goes to plan, {project} will welcome its first {n} users in {month}.",
    ),
    captions=(
        "A street in {town}, {month} {year}.",
        "{person} outside the town hall in {town}, {month} {year}.",
        "The harbour at {neighbour} seen from the air, {month} {year}.",
        "Market day in {town}, {month} {year}.",
    ),
    edited="{headline} – updated",
    labels=Labels(
        home="Home",
        read_also="Read also",
        share="Share",
        published="Published",
        updated="Updated",
        by="By",
        most_read="Most read",
        related="More on this story",
        comments="Comments",
        reply="Reply",
        newsletter="The day's news in your inbox, every morning at six.",
        subscribe="Sign up",
        cookies=(
            "We and our partners use cookies to measure how this site is used. You can change your mind at any time."
        ),
        accept="Accept all",
        refuse="Reject all",
        search="Search",
        about="About us",
        contact="Contact",
        legal="Terms of use",
        follow="Follow us",
        photo="Photograph",
        advertisement="Advertisement",
        rights="All rights reserved. The publisher is not responsible for the content of external sites.",
    ),
    remarks=(
        "I drive that road every day and nobody has told us a thing.",
        "My grandmother was born in {town}; she would not recognise it now.",
        "Good reporting, but what does {body} have to say about the costs?",
        "We tried the same thing in {neighbour} years ago. It did not end well.",
        "Could someone explain where the money comes from this time?",
    ),
)
