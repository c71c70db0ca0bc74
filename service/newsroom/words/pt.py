"""Portuguese. Institutions are feminine; patterns put no preposition that would contract before a slot's article."""

from service.newsroom.words.stock import Labels, Stock, listed

PORTUGUESE = Stock(
    language="pt",
    decimal=",",
    places=listed(
        "Vila Serena, Porto das Garças, Santa Aurélia, Ribeira do Cedro, Monte Alvor, Lagoa Clara, São Teotónio do "
        "Vale, Quilombari, Tambarué, Foz do Lírio, Barra Mansinha, Cabo Ferreiro, Nova Alenquel, Pedra d'Água, Campo "
        "Malvar, Ponte Velhaca, Arraial do Norte, Matuvane"
    ),
    given=listed(
        "Adelina, Baltazar, Conceição, Domingos, Eulália, Faustino, Graça, Heitor, Iolanda, Joaquim, Lurdes, Mateus, "
        "Noémia, Osvaldo, Piedade, Zulmira"
    ),
    surnames=listed(
        "Alvarenga, Botelho Reis, Cambraia, Dornelas, Estrela Pinto, Figueirinha, Gouveia Nhaca, Lacerda, Macuácua, "
        "Nogueiral, Paixão, Quaresma, Saldanha, Tchissola, Valadim, Ximenes"
    ),
    institutions=listed(
        "a Autoridade dos Portos, a Câmara do Comércio, a Agência das Águas, a Comissão das Pescas, a Universidade do "
        "Vale, a Secretaria dos Transportes, a Cruz Azul, a Federação dos Agricultores, a Caixa do Rio, a Inspeção do "
        "Litoral, a Associação dos Municípios, a Junta da Habitação, a Estação de Sementes, a Procuradoria das Contas"
    ),
    projects=listed(
        "a ponte da lagoa, o mercado coberto, a linha do elétrico, a barragem do vale alto, o hospital do distrito, a "
        "reforma das tarifas da água, o parque solar das colinas, o molhe antigo, a merenda escolar, o cadastro das "
        "terras, a rede de autocarros noturnos, a estrada da serra, o programa de reflorestação, o terminal de cereais"
    ),
    months=listed(
        "janeiro, fevereiro, março, abril, maio, junho, julho, agosto, setembro, outubro, novembro, dezembro"
    ),
    sections=(
        ("mundo", "Mundo"),
        ("africa", "África"),
        ("economia", "Economia"),
        ("sociedade", "Sociedade"),
        ("ciencia", "Ciência"),
        ("cultura", "Cultura"),
        ("desporto", "Desporto"),
    ),
    headlines=(
        "Moradores de {town} dividem-se sobre {project}",
        "{Body} promete {n} milhões para recuperar {town}",
        "Cheias em {town} deixam {n} famílias sem casa",
        "Entre {town} e {neighbour}, obras atrasam {few} meses",
        "Porque é que {project} preocupa os comerciantes de {neighbour}",
        "{person} garante reabertura do porto de {town} em {month}",
        "{town} ganha {n} postos de trabalho em {few} meses",
        "{Body} suspende obras perto de {neighbour}",
        "Pescadores de {town} exigem acordo até {month}",
        "{town} aprova orçamento de {n} milhões para {project}",
    ),
    standfirsts=(
        "Os vereadores de {town} debateram durante {few} horas sem chegar a acordo; {body} decide até ao fim de "
        "{month}.",
        "Um relatório de {n} páginas descreve os atrasos, os custos e as {few} saídas que continuam em cima da mesa.",
        "{Body} diz que o calendário é para cumprir, mas {person} e {n} vizinhos pedem garantias por escrito.",
        "Em {town}, a vida de {n} famílias já mudou com {project}, para o bem e para o mal.",
        "As conversações entre {town} e {neighbour} recomeçam a {day} de {month}; eis o que está decidido e o que "
        "falta decidir.",
    ),
    openings=(
        "{Body} apresentou a {day} de {month}, em {town}, um plano de {few} medidas sobre {project}, esperado desde "
        "{year} pelos moradores de {neighbour}.",
        "Ainda não tinha amanhecido, a {day} de {month}, quando os primeiros camiões chegaram a {town}, onde {n} "
        "pessoas os esperavam à porta da câmara.",
        "Ao fim de {few} semanas de negociações, {body} e os representantes de {town} assinaram um acordo de {n} "
        "milhões sobre {project}.",
        "Mais de {n} moradores de {town} saíram à rua a {day} de {month} para pedir explicações sobre {project}.",
        "A assembleia de {town} aprovou, por {n} votos contra {few}, uma proposta que compromete a cidade até 2031 "
        "com {project}.",
        "A estrada entre {town} e {neighbour} vai continuar fechada até {day} de {month}, informou {body}, enquanto "
        "são vistoriados {n} viadutos.",
        "O número surpreendeu até os especialistas: num ano, {town} ganhou {n} habitantes, mais {percent} % do que em "
        "{year}.",
    ),
    facts=(
        "Segundo {body}, {n} famílias são diretamente afetadas e outras {m} poderão sê-lo até {month}.",
        "A conta, agora estimada em {n} milhões, subiu {percent} % em relação à previsão de {year}.",
        "Um primeiro balanço, publicado a {day} de {month}, regista {n} pedidos e {few} recursos.",
        "O calendário já mudou {few} vezes desde {year} por falta de verbas, recorda {office}.",
        "Nos bairros a sul de {town}, {n} casas ainda não receberam a carta prometida para {month}.",
        "Os técnicos marcaram {n} pontos de vistoria ao longo do rio, e {few} deles apresentam fendas.",
        "Em {neighbour}, ali ao lado, o número de visitantes caiu {percent} % em {few} meses.",
        "{person}, que acompanha o assunto desde {year}, calcula que faltem {n} dias de obra até à abertura.",
        "Um fundo de {n} milhões abre a {day} de {month}; as contas ficam com {office}.",
        "Os {n} funcionários trabalham em turnos de {few}, de dia e de noite, até o serviço voltar ao normal.",
        "No mercado, o preço do saco de milho subiu {percent} % entre {month} e o fim do ano, segundo uma ronda por "
        "{n} bancas.",
        "De {n} pessoas ouvidas no inquérito, {percent} % admitem deixar {town}.",
        "Uma comitiva de {few} vereadores foi a {neighbour} visitar uma obra parecida, inaugurada em {year}.",
        "A proposta prevê ainda um apoio de {n} euros por família, pago em {few} prestações a partir de {day} de "
        "{month}.",
        "No último relatório, com {n} páginas, {office} aponta {few} irregularidades nos concursos.",
        "A chuva de {day} de {month} levou {n} metros de margem e cortou o caminho para {few} escolas.",
        "Por falta de peças, {n} dos {m} veículos estão parados na oficina de {neighbour}.",
        "A época até começou bem: descarregaram-se {n} toneladas, contra {m} na mesma data de {year}.",
        "Cerca de {n} alunos voltaram às aulas em salas provisórias, montadas em {few} dias.",
        "{Body} diz ter ouvido {n} associações, mas {few} delas contestam a ata.",
        "As medições reunidas por {office} mostram que a lagoa desceu {n} centímetros desde {month} de {year}.",
        "A empreitada foi entregue a {few} empresas de {neighbour}, que vão empregar {n} pessoas na primeira fase.",
        "O centro de saúde de {town} atendeu {n} doentes na última semana, mais {percent} % do que é costume.",
        "Um abaixo-assinado lançado por {witness} juntou {n} assinaturas em {few} dias.",
        "O tribunal ouve a {day} de {month} a queixa de {n} proprietários.",
        "Na estação de {town}, {n} passageiros esperaram até à noite e só {few} comboios partiram.",
    ),
    quotes=(
        "“Esperámos {few} anos; podemos esperar mais {n} dias, mas nem um a mais”, avisa {witness}.",
        "“Ninguém nos perguntou o que pensávamos sobre {project}”, lamenta {witness}, que vive em {town} desde {year}.",
        "“Os primeiros {n} contratos estão assinados, o resto vem até {month}”, assegura {person}.",
        "“Não é uma questão de dinheiro: faltam {few} técnicos e {n} peças”, explica {person}.",
        "“Aqui, {n} pessoas vivem da pesca; se fecharem o canal, o que será delas?”, pergunta {witness}.",
        "“A data de {day} de {month} mantém-se, e eu respondo por ela”, disse {person} perante {n} convidados.",
        "“Em {neighbour} conseguiram em {few} meses; com {n} voluntários, também nós”, acredita {witness}.",
    ),
    closings=(
        "A próxima sessão pública é a {day} de {month}, no salão de {town}, que tem {n} lugares.",
        "{Body} tem até {day} de {month} para dar um parecer, e os {n} queixosos terão de esperar.",
        "Até lá, {witness} e {n} vizinhos continuarão a fazer o caminho até {neighbour}, a {few} quilómetros.",
        "Um novo estudo, desta vez em {n} freguesias, sai a {day} de {month}.",
        "Os moradores de {town} votam em {month}, na primeira consulta desde {year}, com {n} eleitores inscritos.",
        "Se tudo correr como previsto, {project} receberá os primeiros {n} utentes em {month}.",
    ),
    captions=(
        "Uma rua de {town}, em {month} de {year}.",
        "{person} à porta da câmara de {town}, em {month} de {year}.",
        "O porto de {neighbour} visto do ar, em {month} de {year}.",
        "Dia de mercado em {town}, em {month} de {year}.",
    ),
    edited="{headline} (em atualização)",
    labels=Labels(
        home="Início",
        read_also="Leia também",
        share="Partilhar",
        published="Publicado a",
        updated="Atualizado a",
        by="Por",
        most_read="Mais lidas",
        related="Sobre o mesmo tema",
        comments="Comentários",
        reply="Responder",
        newsletter="Receba todas as manhãs as notícias do dia na sua caixa de correio.",
        subscribe="Subscrever",
        cookies="Nós e os nossos parceiros usamos cookies para medir a utilização deste sítio.",
        accept="Aceitar tudo",
        refuse="Recusar tudo",
        search="Pesquisar",
        about="Quem somos",
        contact="Contactos",
        legal="Termos de utilização",
        follow="Siga-nos",
        photo="Fotografia",
        advertisement="Publicidade",
        rights="Todos os direitos reservados. Não nos responsabilizamos pelo conteúdo de páginas externas.",
    ),
)
