"""Every reason in English and Indonesian: code -> (English, Indonesian), and the terms that fill them in."""

from collections.abc import Mapping

Texts = tuple[str, str]

TERMS: Mapping[str, Mapping[str, Texts]] = {
    "target": {
        "first_response": ("first response", "jawaban pertama"),
        "next_response": ("next response", "jawaban berikutnya"),
        "resolution": ("resolution", "penyelesaian"),
        "confirmation": ("confirmation", "konfirmasi"),
        "decision": ("decision", "keputusan"),
        "follow_up": ("follow-up", "tindak lanjut"),
        "third_party": ("a third party's turn", "giliran pihak ketiga"),
        "promise": ("promised news", "kabar yang dijanjikan"),
        "repeat": ("reminder", "pengingat"),
    },
    "language": {
        "id": ("Indonesian", "Indonesia"),
        "en": ("English", "Inggris"),
    },
    "turn": {
        "ours": ("ours", "kami"),
        "customer": ("the customer's", "pelanggan"),
        "third_party": ("a third party's", "pihak ketiga"),
    },
    "status": {
        "new": ("new", "baru"),
        "open": ("open", "terbuka"),
        "waiting": ("waiting", "menunggu"),
        "closed": ("closed", "ditutup"),
        "merged": ("merged", "digabungkan"),
        "filed": ("filed as automatic mail", "disimpan sebagai surat otomatis"),
    },
    "actor": {
        "customer": ("customer", "pelanggan"),
        "agent": ("agent", "agen"),
        "operator": ("operator", "operator"),
        "policy": ("the policy", "kebijakan"),
        "relay": ("the relay", "server pengirim"),
        "report": ("a report", "laporan"),
        "import": ("the import from", "impor dari"),
    },
    "kind": {
        "acknowledgement": ("acknowledgement", "konfirmasi penerimaan"),
        "answer": ("answer", "jawaban"),
        "progress": ("progress", "kabar perkembangan"),
        "closing": ("closing word", "kabar selesai"),
        "team": ("team", "pemberitahuan tim"),
        "question": ("question", "pertanyaan"),
        "refusal": ("refusal", "penolakan"),
        "receipt": ("receipt", "tanda terima perintah"),
        "agent_help": ("help to an agent", "bantuan bagi agen"),
        "compensation_wanted": ("request for compensation", "permintaan kompensasi"),
        "compensation_decided": ("decision on compensation", "keputusan kompensasi"),
    },
    "field": {
        "subject": ("the subject", "judul"),
        "text": ("text", "isi"),
        "body": ("text", "isi"),
        "new_text": ("text", "isi"),
        "new_body": ("text", "isi"),
        "footer": ("the footer", "kaki surat"),
        "sender": ("the sender", "pengirim"),
        "sender_domain": ("the sender's domain", "domain pengirim"),
        "sender_name": ("the sender's name", "nama pengirim"),
        "recipient": ("the mailbox", "kotak surat"),
        "language": ("the language", "bahasa"),
        "attachment_name": ("a file's name", "nama berkas"),
        "attachment_type": ("a file's type", "jenis berkas"),
        "attachments": ("the number of files", "jumlah berkas"),
        "size": ("the size", "ukuran"),
        "amount": ("an amount", "nominal"),
        "authentication": ("the sender", "pengirim"),
        "author": ("the author", "penulis"),
        "open_tickets": ("the number of open tickets", "jumlah tiket terbuka"),
        "header": ("a header field", "kolom kepala email"),
    },
    "fact": {
        "known_customer": ("the customer wrote before", "pelanggan pernah menulis"),
        "reopened": ("it answers a closed ticket", "membalas tiket yang sudah ditutup"),
        "escalated_before": (
            "a ticket of the customer was escalated in 90 days",
            "tiket pelanggan ini pernah dieskalasi dalam 90 hari",
        ),
        "machine_may_answer": ("it may be answered automatically", "boleh dijawab otomatis"),
        "asks_to_change_account": ("it asks to change an account", "minta mengubah data akun"),
    },
    "value": {
        "id": ("Indonesian", "Indonesia"),
        "en": ("English", "Inggris"),
        "unsure": ("unclear", "tidak jelas"),
        "pass": ("proven", "terbukti"),
        "fail": ("forged", "palsu"),
        "none": ("not proven", "belum terbukti"),
        "person": ("a person", "orang"),
        "machine": ("a machine", "mesin"),
        "report": ("a machine's report", "laporan mesin"),
    },
    "outcome": {
        "asked": ("waits for approval", "menunggu persetujuan"),
        "granted": ("granted", "disetujui"),
        "refused": ("refused", "ditolak"),
    },
    "scope": {
        "address": ("address", "alamat"),
        "domain": ("domain", "domain"),
        "overall": ("overall", "keseluruhan"),
    },
}

TEXTS: Mapping[str, Texts] = {
    "": ("", ""),
    "text": ("{text}", "{text}"),
    "together": ("{reasons}", "{reasons}"),
    "by_actor": ("by {actor}", "oleh {actor}"),
    "command_line": ("command line", "baris perintah"),
    "on_a_page": ("written in the console", "ditulis di konsol"),
    "by_program": ("sent by the API", "dikirim lewat API"),
    "already_done": ("this was already done", "ini sudah dilakukan"),
    "message_since": (
        "{count} new message(s) came while you were writing",
        "{count} pesan baru datang saat Anda menulis",
    ),
    "key_reused": ("the key belongs to another request", "kunci itu milik permintaan lain"),
    "not_now": (
        "the database did not answer, or others changed it at the same time: nothing was changed",
        "basis data tidak menjawab, atau orang lain mengubahnya bersamaan: tidak ada yang berubah",
    ),
    "answer_is_empty": ("the answer has no text", "jawabannya belum ada isinya"),
    "text_too_long": ("the text has more than {most} characters", "teksnya lebih dari {most} karakter"),
    "too_many_files": ("at most {most} files go along", "paling banyak {most} berkas dapat ikut"),
    "files_too_large": (
        "the files are larger than {most} together",
        "semua berkas bersama-sama lebih besar dari {most}",
    ),
    "file_runs": (
        "the file {file} can run as a program: mail programs would block the answer",
        "berkas {file} dapat berjalan sebagai program: jawabannya akan diblokir program email",
    ),
    # Rules
    "condition": ("{condition}", "{condition}"),
    "no_other_rule": ("no other rule matched", "tidak ada aturan lain yang cocok"),
    "rule": ("rule '{rule}'", "aturan '{rule}'"),
    "rerouted": ("routed again by rule '{rule}'", "disalurkan ulang oleh aturan '{rule}'"),
    "routed_by": ('{reason} (rule "{rule}")', '{reason} (aturan "{rule}")'),
    "fits_rule": ("its text fits the rule", "isinya cocok dengan aturan"),
    "both": ("{first} and {second}", "{first} dan {second}"),
    "value": ("{value}", "{value}"),
    "text_has": ("the text has {words}", "ada kata {words}"),
    "like_earlier": ("it reads like earlier tickets: {words}", "mirip tiket lain: {words}"),
    "field_has": ("{field} has {words}", "{field} memuat {words}"),
    "field_is": ("{field} is {words}", "{field}: {words}"),
    "field_starts": ("{field} begins with {words}", "{field} diawali {words}"),
    "field_ends": ("{field} ends with {words}", "{field} diakhiri {words}"),
    "field_listed": ("{field} is in the list {words}", "{field} ada dalam daftar {words}"),
    "field_over": ("{field} is more than {words}", "{field} lebih dari {words}"),
    "field_below": ("{field} is less than {words}", "{field} kurang dari {words}"),
    "field_exists": ("{field} is there", "{field} ada"),
    "field_missing": ("{field} is missing", "{field} tidak ada"),
    "fact_holds": ("{fact}", "{fact}"),
    "fact_fails": ("not: {fact}", "tidak: {fact}"),
    "came_within": ("it came within {words}", "datang pada {words}"),
    "came_outside": ("it came outside of {words}", "datang di luar {words}"),
    "promise_ends_soon": (
        "the time that the customer was given is about to pass",
        "waktu yang dijanjikan kepada pelanggan hampir lewat",
    ),
    "no_automatic_mail": (
        "this customer gets no automatic mail before an agent answers",
        "pelanggan ini tidak mendapat email otomatis sebelum dijawab petugas",
    ),
    # Where a mail belongs
    "no_ticket_named": ("names no ticket of ours", "tidak menyebut tiket kami"),
    "named_unauthenticated": (
        "names a ticket, but the sender named in it failed authentication",
        "menyebut sebuah tiket, tetapi autentikasi pengirimnya gagal",
    ),
    "named_by_stranger": (
        "names a ticket in which the sender takes no part",
        "menyebut tiket yang tidak diikuti pengirimnya",
    ),
    "matched": ("{clue}, {proof}", "{clue}, {proof}"),
    "reply_token": ("reply token of the sender", "token balasan milik pengirim"),
    "customer_page": ("written on the customers' page", "ditulis di halaman pelanggan"),
    "survey_address": ("keyed survey address", "alamat survei bertanda tangan"),
    "bounce_address": ("keyed bounce address", "alamat pantulan bertanda tangan"),
    "signed_mark": ("our signed mark in a report", "tanda tangan kami dalam laporan"),
    "signed_message_id": ("our signed Message-ID", "Message-ID bertanda tangan kami"),
    "known_message_id": ("known Message-ID", "Message-ID yang dikenal"),
    "number_in_subject": ("number in the subject", "nomor pada judul"),
    "old_number": ("number of the former desk", "nomor dari sistem lama"),
    "number_in_text": ("number in the text", "nomor dalam isi email"),
    "number_in_quote": (
        "number in a quote of our mail, and nothing else names a ticket",
        "nomor dalam kutipan email kami, dan tidak ada lagi yang menyebut tiket",
    ),
    "conversation": ("the conversation in the chat", "percakapan di obrolan"),
    "only_open_ticket": (
        "asks for the status, and the sender has one open ticket",
        "menanyakan status, dan pengirim punya satu tiket terbuka",
    ),
    "message_id_in_report": ("known Message-ID in a report", "Message-ID yang dikenal dalam laporan"),
    "number_in_report": ("number in a report", "nomor dalam laporan"),
    "mistyped_number": ("mistyped number", "nomor salah ketik"),
    "stronger_clue": ("a stronger clue decided", "petunjuk yang lebih kuat menentukan"),
    "unknown_ticket": ("there is no such ticket", "tiket itu tidak ada"),
    "own_key": ("our own key proves it", "dibuktikan oleh kunci kami"),
    "report_concerns_ticket": (
        "the report is about somebody who has to do with it",
        "laporan itu mengenai orang yang terkait dengannya",
    ),
    "report_concerns_others": (
        "the report is about nobody who has to do with that ticket",
        "laporan itu tidak mengenai siapa pun yang terkait dengan tiket tersebut",
    ),
    "no_one_sender": ("the mail has no single sender", "email itu tidak memiliki satu pengirim"),
    "sender_failed_authentication": (
        "the sender failed authentication: anybody may have written it",
        "autentikasi pengirim gagal: siapa pun bisa menulisnya",
    ),
    "sender_not_participant": (
        "the sender takes no part in that ticket",
        "pengirim bukan peserta tiket itu",
    ),
    "sender_participates": ("sender takes part", "pengirim adalah peserta"),
    "wrong_check_digit": ("its check digit is wrong", "digit pemeriksanya salah"),
    "wrong_check_digit_like": (
        "its check digit is wrong, like {numbers} in which the sender takes part",
        "digit pemeriksanya salah, mirip {numbers} yang diikuti pengirim",
    ),
    "same_mail": (
        "same Message-ID, From and text as a mail that is here already",
        "Message-ID, pengirim, dan isi yang sama dengan email yang sudah ada di sini",
    ),
    "merged_tickets": ("{merged} merged into {ticket}", "{merged} digabungkan ke {ticket}"),
    # Who takes part
    "copied_by_proven": (
        "in To or Cc of a proven mail of {sender}",
        "tercantum di Kepada atau Cc dalam email {sender} yang terbukti asli",
    ),
    "copied_by_colleague": (
        "in To or Cc of a mail of {sender}, and of the same organisation",
        "tercantum di Kepada atau Cc dalam email {sender}, dan dari organisasi yang sama",
    ),
    "copied_by_agent": (
        "in To or Cc of an answer of {agent}",
        "tercantum di Kepada atau Cc dalam jawaban {agent}",
    ),
    "copied_unconfirmed": (
        "in To or Cc of a mail of {sender}, not confirmed",
        "tercantum di Kepada atau Cc dalam email {sender}, belum terkonfirmasi",
    ),
    # Remarks for agents about a mail
    "continues": ("goes on from {ticket}, which is closed", "lanjutan dari {ticket} yang sudah ditutup"),
    "claims": (
        "claims to be about {ticket} without proof",
        "mengaku tentang {ticket} tanpa bukti",
    ),
    "mentions": (
        "mentions {ticket} in its text, in which the sender takes no part",
        "menyebut {ticket} dalam isinya, yang tidak diikuti pengirim",
    ),
    "suggests": (
        "names a number with a wrong digit, perhaps the sender's own {ticket}",
        "menyebut nomor dengan digit yang salah, mungkin {ticket} milik pengirim",
    ),
    "earlier_mail": ("earlier mail: {reason}", "email sebelumnya: {reason}"),
    "other_author": (
        "written by {sender}, answers go to {customer}",
        "ditulis oleh {sender}, jawaban dikirim kepada {customer}",
    ),
    "other_author_copied": (
        "written by {sender}, answers go to {customer} with a copy to {sender}",
        "ditulis oleh {sender}, jawaban dikirim kepada {customer} dengan tembusan kepada {sender}",
    ),
    "unclear_author": (
        "written by an unclear sender, answers go to {customer}",
        "pengirimnya tidak jelas, jawaban dikirim kepada {customer}",
    ),
    # Who is the customer
    "agents_mail": ("from an agent, staff are never customers", "dari agen, staf bukan pelanggan"),
    "named_by_agent": ("named by an agent", "disebut oleh agen"),
    "forwarded_by_agent": (
        "forwarded by an agent ({agent}), who may have it acknowledged",
        "diteruskan oleh agen ({agent}), yang dapat meminta konfirmasi dikirim",
    ),
    "no_customer_address": (
        "no answer can leave, because the ticket has no customer's address. `mailbot ticket set --customer` names one",
        "jawaban tidak dapat dikirim karena tiket tidak memiliki alamat pelanggan. `mailbot ticket set --customer` "
        "menetapkannya",
    ),
    "no_reply_customer": (
        "no answer can reach {customer}, which nobody reads. `mailbot ticket set --customer` names another address",
        "jawaban tidak akan sampai ke {customer} karena tidak ada yang membacanya. `mailbot ticket set --customer` "
        "menetapkan alamat lain",
    ),
    "answers_go_to": ("answers go to {address}", "jawaban dikirim ke {address}"),
    "reply_to_at_home": (
        "Reply-To of {customer}, in the same organisation",
        "Reply-To dari {customer}, di organisasi yang sama",
    ),
    "opened_by_staff": (
        "{agent} opened it, who may have it acknowledged",
        "dibuka oleh {agent}, yang dapat meminta konfirmasi dikirim",
    ),
    "imported": (
        "brought over from {source}, where its number was {numbers}",
        "dipindahkan dari {source}, di sana bernomor {numbers}",
    ),
    "imported_unnumbered": ("brought over from {source}", "dipindahkan dari {source}"),
    "written_down_by": (
        "{agent} wrote down what the customer said",
        "{agent} mencatat apa yang dikatakan pelanggan",
    ),
    "staff_is_no_customer": (
        "{address} is one of our own addresses, and no customer's",
        "{address} adalah alamat kita sendiri, bukan pelanggan",
    ),
    "no_mailbox": (
        "{mailbox} is none of our mailboxes",
        "{mailbox} bukan salah satu kotak surat kita",
    ),
    "matter_is_empty": (
        "write a subject, or what the customer said",
        "tulis judul, atau apa yang dikatakan pelanggan",
    ),
    "no_held_acknowledgement": (
        "{ticket} has no acknowledgement that waits for an agent",
        "{ticket} tidak memiliki konfirmasi yang menunggu agen",
    ),
    "acknowledged_too_late": (
        "{ticket} is {status}: an acknowledgement comes too late",
        "{ticket} {status}: konfirmasi sudah terlambat",
    ),
    "brought_by": (
        "{agent} forwarded it, the sender is not confirmed. `mailbot ticket acknowledge` sends the acknowledgement",
        "diteruskan oleh {agent}, pengirimnya belum dipastikan. `mailbot ticket acknowledge` mengirim konfirmasi",
    ),
    "form_passed_on": ("a form of ours passed it on", "diteruskan oleh formulir kami"),
    "list_passed_on": ("a list of ours passed it on", "diteruskan oleh milis kami"),
    "passed_on": (
        "{sender} passed it on for {customer}, answers go there",
        "diteruskan {sender} untuk {customer}, jawaban dikirim ke sana",
    ),
    "passed_on_unproven": (
        "{sender} names {customer} as the author, without proof",
        "{sender} menyebut {customer} sebagai penulis, tanpa bukti",
    ),
    "names_other_sender": (
        "it names {other} as its author or for answers, without proof",
        "email ini menyebut {other} sebagai penulis atau tujuan jawaban, tanpa bukti",
    ),
    "unproven_account_change": (
        "asks to change an account, and the sender is not proven: verify by the known phone number first",
        "minta mengubah data akun, padahal pengirimnya belum terbukti: pastikan dulu lewat nomor telepon yang tercatat",
    ),
    # Automatic mail, and mail that gets no automatic answer
    "null_sender": ("null sender", "pengirim kosong"),
    "null_return_path": ("null sender (Return-Path)", "pengirim kosong (Return-Path)"),
    "own_mail": ("our own mail ({field})", "email kami sendiri ({field})"),
    "report": ("report ({type})", "laporan ({type})"),
    "bounce": ("bounce ({type})", "laporan gagal kirim ({type})"),
    "receipt": ("receipt ({type})", "tanda terima ({type})"),
    "complaint": ("complaint ({type})", "keluhan ({type})"),
    "auto_submitted": ("Auto-Submitted: {value}", "Auto-Submitted: {value}"),
    "precedence": ("Precedence: {value}", "Precedence: {value}"),
    "auto_response_suppress": ("X-Auto-Response-Suppress: {value}", "X-Auto-Response-Suppress: {value}"),
    "machine_header": ("{field}", "{field}"),
    "list_mail": ("list mail ({field})", "email milis ({field})"),
    "robot_sender": ("sender {name}", "pengirim {name}"),
    "robot_envelope_sender": ("envelope sender {name}", "pengirim amplop {name}"),
    "autoresponder": ("Delivered-To: autoresponder", "Delivered-To: autoresponder"),
    "mail_loop": ("more than {most} Received", "lebih dari {most} Received"),
    "absence_note": (
        "it looks like an absence note",
        "email ini tampak seperti pemberitahuan sedang tidak di tempat",
    ),
    "machine_speed": (
        "it came within {seconds} seconds after the notice: a machine wrote it",
        "email ini datang dalam {seconds} detik setelah pemberitahuan: yang menulisnya mesin",
    ),
    "other_subject": (
        'its subject "{subject}" is not the subject of the notice',
        'judulnya "{subject}" bukan judul pemberitahuan',
    ),
    "forwarded_mail": (
        "it holds another person's mail, which may be internal",
        "di dalamnya ada email orang lain, yang mungkin internal",
    ),
    "cut_in_doubt": (
        'it is unclear where your answer ends and the notice begins, near "{line}"',
        'tidak jelas di mana jawaban Anda berakhir dan pemberitahuan dimulai, di dekat "{line}"',
    ),
    "answer_needs_agent": (
        "an answer needs an agent's name: --as ADDRESS",
        "jawaban membutuhkan nama petugas: --as ALAMAT",
    ),
    "command_line_in_mail": (
        'its first line "{line}" begins with #, which is for commands',
        'baris pertamanya "{line}" diawali #, yaitu tanda untuk perintah',
    ),
    "command_below_text": (
        'the line "{line}" stands below the text: commands stand on top',
        'baris "{line}" ada di bawah teks: perintah harus di atas',
    ),
    "verbs_not_written": (
        "its commands stand in text that is hidden, cut off, or not yours",
        "perintahnya ada dalam teks yang tersembunyi, terpotong, atau bukan tulisan Anda",
    ),
    "looks_like_note": (
        'its first line "{line}" looks like an internal note',
        'baris pertamanya "{line}" tampak seperti catatan internal',
    ),
    "out_of_office": ("out of office, by its words", "sedang tidak di kantor, menurut isinya"),
    "ticket_filed": (
        "{ticket} is filed as automatic mail; release it first: mailbot ticket release {ticket}",
        "{ticket} disimpan sebagai surat otomatis; lepaskan dahulu: mailbot ticket release {ticket}",
    ),
    "not_filed": ("{ticket} is not filed as automatic mail", "{ticket} bukan surat otomatis yang disimpan"),
    "released_by": ("released by {actor}", "dilepas oleh {actor}"),
    "calendar_reply": ("the reply to an invitation", "jawaban atas undangan"),
    "reads_as_report": ("it reads as a {kind} report", "isinya laporan ({kind})"),
    "robot_words": ("a machine's words below a header of machines", "kata-kata mesin dan header mesin"),
    "newsletter": ("mail to subscribers", "email kepada pelanggan milis"),
    "person_by_default": ("no sign of a machine", "tidak ada tanda mesin"),
    "no_sender": ("no single sender in From", "tidak ada satu pengirim pada From"),
    "own_address": ("from an address of our own", "dari alamat kami sendiri"),
    "assumed": ("assumed", "diandaikan"),
    "answers_acknowledgement": (
        "answers an acknowledgement that we sent to another address",
        "menjawab konfirmasi kami yang dikirim ke alamat lain",
    ),
    "not_authenticated": ("sender not authenticated", "pengirim tidak terautentikasi"),
    "rate_limit": ("limit reached: {scope}", "batas tercapai: {scope}"),
    "suppressed_bounce": (
        "address bounced: on {since}, {status}",
        "alamat gagal menerima: pada {since}, {status}",
    ),
    "suppressed_complaint": ("address complained: on {since}", "alamat mengeluh: pada {since}"),
    "unsafe_mail": ("unsafe to send: {error}", "tidak aman dikirim: {error}"),
    "dropped": ("dropped by {actor}", "dibatalkan oleh {actor}"),
    "dropped_because": ("dropped by {actor}: {text}", "dibatalkan oleh {actor}: {text}"),
    "undelivered": ("{kind} to {recipient}: {detail}", "{kind} kepada {recipient}: {detail}"),
    # An agent's mail that was held
    "agent_mail_unclear": (
        "an agent's mail that answers no notice, names no ticket and forwards no customer's mail",
        "email agen yang tidak menjawab pemberitahuan, tidak menyebut tiket, dan tidak meneruskan email pelanggan",
    ),
    "agent_wrote_to_others": (
        "it was also sent to {others}, so it may be internal",
        "email ini juga dikirim kepada {others}, jadi mungkin internal",
    ),
    "customer_has_it": (
        "the customer is in To or Cc and has it already",
        "pelanggan ada pada To atau Cc dan sudah menerimanya",
    ),
    "agent_not_proven": (
        "the mail could not be shown to come from you",
        "tidak terbukti bahwa email itu berasal dari Anda",
    ),
    "reply_address_of_another": (
        "it was sent to the reply address of another agent's notice; answer your own notice, or write to the mailbox "
        "with {ticket} in the subject",
        "dikirim ke alamat balasan dari pemberitahuan petugas lain; balas pemberitahuan Anda sendiri, atau tulis ke "
        "alamat layanan dengan {ticket} di judulnya",
    ),
    "customer_changed_since": (
        "the customer was {former} when the notice left that you answered, and is {customer} now: answer a "
        "newer notice, or by command",
        "pelanggannya adalah {former} ketika pemberitahuan yang Anda jawab dikirim, dan sekarang {customer}: "
        "jawab pemberitahuan yang lebih baru, atau lewat perintah",
    ),
    "customer_set": (
        "the customer is {customer} now, no longer {former}, by {actor}",
        "pelanggannya sekarang {customer}, bukan lagi {former}, oleh {actor}",
    ),
    "merged_other_customer": (
        "{merged} was merged into {ticket} of another customer",
        "{merged} digabungkan ke {ticket} milik pelanggan lain",
    ),
    "no_text": ("no text was found above the line", "tidak ada teks di atas baris penanda"),
    # Who has the ticket
    "answered": ("answered it", "menjawabnya"),
    "cause_silent": (
        "for the cause '{cause}' customers get none",
        "untuk penyebab '{cause}' pelanggan tidak mendapatnya",
    ),
    "rated": ("rated {score} of 5", "dinilai {score} dari 5"),
    "has_ticket": ("has {ticket}", "menangani {ticket}"),
    "agent_left": ("{agent} is no agent any more", "{agent} bukan agen lagi"),
    "unassigned": ("nobody had it", "belum ada yang menangani"),
    "no_agent_at": ("nobody works at {level}", "tidak ada yang bertugas di {level}"),
    "no_agent_at_level": ("nobody works at its level", "tidak ada yang bertugas di jenjangnya"),
    "goes_to": ("so it goes to {level}", "jadi dialihkan ke {level}"),
    "on_duty": ("1 of {count} on duty", "1 dari {count} yang bertugas"),
    "never_on_duty": ("nobody is ever on duty", "tidak pernah ada yang bertugas"),
    "off_duty": (
        "nobody is on duty, back first: {at}",
        "tidak ada yang bertugas, paling cepat kembali: {at}",
    ),
    "has_skill": ("the skill {skill}", "keahlian {skill}"),
    "no_skill": ("nobody there has the skill {skill}", "tidak ada yang memiliki keahlian {skill}"),
    "has_language": ("the language {language}", "bahasa {language}"),
    "no_language": ("nobody there has the language {language}", "tidak ada yang berbahasa {language}"),
    "round_robin": (
        "round robin: longest without a new ticket",
        "bergiliran: paling lama tanpa tiket baru",
    ),
    "least_load": ("least load: {count} in hand", "beban terkecil: {count} di tangan"),
    "spread": ("spread by the number", "dibagi menurut nomor"),
    # What comes next, after a time
    "next_escalate": ("goes up to {level}", "naik ke {level}"),
    "next_hand_over": ("handed over to {team}", "dialihkan ke {team}"),
    "next_reassign": ("goes to another agent", "pindah ke petugas lain"),
    "next_decision": ("a decision is asked of {level}", "keputusan diminta dari {level}"),
    "next_notify": ("others are notified", "orang lain diberi tahu"),
    "next_remind": ("reminder", "pengingat"),
    # Steps of a ladder
    "target_due": ("{target} is due", "batas waktu {target} tercapai"),
    "not_confirmed": ("not confirmed in time", "tidak dikonfirmasi tepat waktu"),
    "not_decided": ("not decided in time", "tidak diputuskan tepat waktu"),
    "quiet_hours": ("held until the quiet hours were over", "ditahan sampai jam tenang berakhir"),
    "not_accepted": ("nobody has accepted or rejected it yet", "belum diterima atau ditolak siapa pun"),
    "no_further_step": ("no further step follows", "tidak ada langkah berikutnya"),
    "customer_silent": ("the customer has not answered", "pelanggan belum menjawab"),
    "all_steps_taken": (
        "all steps of its ladder are taken, and it is open still",
        "semua langkah eskalasi sudah dijalankan, dan tiket masih terbuka",
    ),
    "decided": ("{question} {option}, by {actor}", "{question} {option}, oleh {actor}"),
    "decided_because": (
        "{question} {option} ({text}), by {actor}",
        "{question} {option} ({text}), oleh {actor}",
    ),
    # Tickets that were merged, split or released
    "not_about": ("not about {ticket}, by {actor}", "bukan tentang {ticket}, oleh {actor}"),
    "split_from": ("split from {ticket}", "dipisahkan dari {ticket}"),
    "message_moved": (
        "message {message} was moved here from {ticket}",
        "pesan {message} dipindahkan ke sini dari {ticket}",
    ),
    "ticket_merged": ("{ticket} was merged into it", "{ticket} digabungkan ke tiket ini"),
    "ticket_accepted": ("{ticket} was accepted into it", "{ticket} diterima ke tiket ini"),
    "ticket_unmerged": ("it is no longer merged into {ticket}", "tidak lagi digabungkan ke {ticket}"),
    # Limits of compensation
    "level_ticket_limit": (
        "{level} may bring a ticket of category '{category}' to {limit}, with this it would have {total}",
        "{level} boleh memberi tiket kategori '{category}' hingga {limit}, dengan ini menjadi {total}",
    ),
    "level_day_limit": (
        "{level} may grant {limit} a day, with this {agent} would have granted {total} today",
        "{level} boleh memberi {limit} sehari, dengan ini {agent} memberi {total} hari ini",
    ),
    "customer_limit": (
        "a customer may get {limit} within {days} days, with this {customer} would have got {total}",
        "pelanggan boleh menerima {limit} dalam {days} hari, dengan ini {customer} menerima {total}",
    ),
    "team_budget": (
        "the budget of {team} is {limit} a month, with this it would have used {total}",
        "anggaran {team} adalah {limit} sebulan, dengan ini terpakai {total}",
    ),
    "second_person_missing": (
        "above {limit} two persons must sign, and {agent} alone may decide on {total}",
        "di atas {limit} dua orang harus menyetujui, dan hanya {agent} yang boleh memutuskan {total}",
    ),
    "category_without_compensation": (
        "nobody may grant anything in the category '{category}'",
        "tidak ada yang boleh memberi kompensasi dalam kategori '{category}'",
    ),
    "everybody_day_limit": (
        "nobody may grant {amount} on one day",
        "tidak ada yang boleh memberi {amount} dalam sehari",
    ),
    "everybody_ticket_limit": (
        "nobody may bring a ticket of category '{category}' to {total}, the most is {limit}",
        "tidak ada yang boleh memberi tiket kategori '{category}' hingga {total}, paling banyak {limit}",
    ),
    # Many similar complaints
    "similar_complaint": ("many similar complaints come", "banyak laporan serupa masuk"),
    "incident_no_customer": ("an incident has no customer", "gangguan tidak punya pelanggan"),
    "incident_opened": (
        "{count} people complained alike within {minutes} min ({words}); their tickets notify nobody, this one "
        "stands for them",
        "{count} orang melaporkan hal serupa dalam {minutes} menit ({words}); tiket mereka tidak memberi tahu "
        "siapa pun, tiket ini mewakilinya",
    ),
    "incident_grew": (
        "{more} more complaints, {total} in all",
        "{more} laporan lagi, semuanya {total}",
    ),
    "wrote_again": (
        "{count} of its customers wrote again: {numbers}",
        "{count} pelapornya menulis lagi: {numbers}",
    ),
    "knows_of_incident": (
        "this customer was told of incident {incident} already",
        "pelanggan ini sudah diberi tahu tentang gangguan {incident}",
    ),
    "told_later": (
        "a notice just after it tells of it, too",
        "pemberitahuan sesudahnya memuatnya juga",
    ),
    "joined_incident": ("its ticket joined incident {incident}", "tiketnya masuk gangguan {incident}"),
    "incident_resolved": ("incident {incident} is over", "gangguan {incident} sudah pulih"),
    "incident_over": ("the incident is over", "gangguan sudah pulih"),
    "answered_on": ("this customer was answered on {ticket}", "pelanggan ini sudah dijawab di {ticket}"),
    "left_incident": (
        "{actor} took it out of incident {incident}",
        "{actor} mengeluarkannya dari gangguan {incident}",
    ),
    # Refused commands
    "not_incident": (
        "{ticket} is no incident: only the ticket that stands for many complaints is resolved",
        "{ticket} bukan gangguan: hanya tiket yang mewakili banyak laporan yang dapat dipulihkan",
    ),
    "incident_not_merged": (
        "{ticket} stands for many complaints and is not merged",
        "{ticket} mewakili banyak laporan dan tidak digabungkan",
    ),
    "not_in_incident": ("{ticket} belongs to no incident", "{ticket} tidak termasuk gangguan"),
    "resolve_needs_text": (
        "write below #resolved what the customers shall read",
        "tulis di bawah #pulih apa yang dibaca para pelanggan",
    ),
    "resolve_without_files": (
        "files can't go to all customers of an incident: put a link into the text",
        "berkas tidak dapat dikirim ke semua pelapor gangguan: tulis tautannya di dalam teks",
    ),
    "incident_is_resolved": (
        "{ticket} stands for many complaints: end it with #resolved and a text for its customers",
        "{ticket} mewakili banyak laporan: akhiri dengan #pulih dan teks untuk para pelanggannya",
    ),
    "ticket_over": ("{ticket} is {status} already", "{ticket} sudah {status}"),
    "no_cause_named": (
        "no cause was named; fitting ones: {causes}",
        "penyebab tidak disebut; yang cocok: {causes}",
    ),
    "no_cause": (
        "there is no cause '{cause}'; nearest: {causes}",
        "tidak ada penyebab '{cause}'; yang terdekat: {causes}",
    ),
    "ticket_merged_into": ("{ticket} was merged into {into}", "{ticket} digabungkan ke {into}"),
    "no_agent": ("{agent} is no agent of any team", "{agent} bukan agen tim mana pun"),
    "not_held": ("{ticket} is not held", "{ticket} tidak ditahan"),
    "no_higher_level": (
        "{ticket} stands at {level}, there is no higher level",
        "{ticket} berada di {level}, tidak ada jenjang yang lebih tinggi",
    ),
    "no_level": (
        "there is no level '{level}', the levels are {levels}",
        "tidak ada jenjang '{level}', jenjangnya adalah {levels}",
    ),
    "level_reached": ("{ticket} stands at {level} already", "{ticket} sudah berada di {level}"),
    "no_question": ("{ticket} waits for no decision", "{ticket} tidak menunggu keputusan"),
    "no_option": (
        "'{option}' is no option of '{question}'; there are: {options}",
        "'{option}' bukan pilihan dari '{question}'; pilihannya: {options}",
    ),
    "decision_of_level": (
        "this is for {asked} to decide, {agent} is at {level}",
        "ini harus diputuskan {asked}, {agent} berada di {level}",
    ),
    "takes_part_already": (
        "{address} takes part in {ticket} already",
        "{address} sudah menjadi peserta {ticket}",
    ),
    "no_participant": ("{address} takes no part in {ticket}", "{address} bukan peserta {ticket}"),
    "customer_stays": (
        "{address} is the customer of {ticket}: set another customer first",
        "{address} adalah pelanggan {ticket}: tetapkan pelanggan lain dahulu",
    ),
    "linked_stays": (
        "{address} is linked to the customer of {ticket}: unlink it first",
        "{address} tertaut dengan pelanggan {ticket}: putuskan dahulu tautannya",
    ),
    "linked_already": (
        "{address} and {customer} are the same person already",
        "{address} dan {customer} sudah orang yang sama",
    ),
    "identity_unknown": (
        "nobody has written to us from {address}; who has can be linked",
        "belum ada yang menulis kepada kami dari {address}; yang sudah menulis dapat ditautkan",
    ),
    "too_many_identities": (
        "{customer} would have more than {most} identities",
        "{customer} akan memiliki lebih dari {most} identitas",
    ),
    "nothing_linked": (
        "{address} is not linked to the customer of {ticket}, nor is anything else",
        "{address} tidak tertaut dengan pelanggan {ticket}, yang lain pun tidak",
    ),
    "not_linked": (
        "{address} is not linked to the customer of {ticket}; linked are: {linked}",
        "{address} tidak tertaut dengan pelanggan {ticket}; yang tertaut: {linked}",
    ),
    "no_identity_in": (
        "the customer of {ticket} can't be reached by {channel}, but at: {linked}; `link` adds another",
        "pelanggan {ticket} tidak dapat dihubungi lewat {channel}, tetapi di: {linked}; `tautkan` menambah yang lain",
    ),
    "several_identities_in": (
        "the customer of {ticket} has several identities in {channel}, name one: {linked}",
        "pelanggan {ticket} punya beberapa identitas di {channel}, sebut salah satu: {linked}",
    ),
    "answers_go_there": (
        "answers to {ticket} go to {address} already",
        "jawaban untuk {ticket} sudah dikirim ke {address}",
    ),
    "address": ("{address}", "{address}"),
    "linked_no_more": (
        "answers went to an identity that is not linked any more",
        "jawaban dikirim ke identitas yang tidak tertaut lagi",
    ),
    "chat_refused": (
        "the chat did not take the answer: answers go by mail until the customer writes there again",
        "obrolan tidak menerima jawaban: jawaban dikirim lewat email sampai pelanggan menulis lagi di sana",
    ),
    "sent_by_mail": (
        "a chat refused it: mailed to {address}",
        "obrolan menolaknya: dikirim lewat email ke {address}",
    ),
    "customer_writes_from": (
        "the customer writes from {address} now: answers go there",
        "pelanggan kini menulis dari {address}: jawaban dikirim ke sana",
    ),
    "is_customer": (
        "{address} is the customer of {ticket} already",
        "{address} sudah menjadi pelanggan {ticket}",
    ),
    "too_many_participants": (
        "{ticket} would have more than {most} people beside its customer",
        "{ticket} akan memiliki lebih dari {most} orang di samping pelanggannya",
    ),
    "customer_has_request": (
        "compensation was requested for the customer of {ticket}: decide on request {requests} first",
        "ada permintaan kompensasi untuk pelanggan {ticket}: putuskan dahulu permintaan {requests}",
    ),
    "is_own_mailbox": (
        "{address} is a mailbox, a form or a list of ours: its mail would come back as a ticket",
        "{address} adalah kotak surat, formulir, atau milis kami: emailnya akan kembali sebagai tiket",
    ),
    "is_agent": (
        "{address} is an agent: agents act on tickets and take no part as customers",
        "{address} adalah agen: agen menangani tiket dan bukan peserta seperti pelanggan",
    ),
    "is_robot": (
        "nobody reads mail to {address}",
        "tidak ada yang membaca email ke {address}",
    ),
    "no_address": (
        "'{address}' is no address that mail can go to, like name@example.com",
        "'{address}' bukan alamat email yang dapat dikirimi, misalnya nama@example.com",
    ),
    "no_identity": (
        "'{address}' is no address, and nobody in a chat, such as whatsapp:+628112233",
        "'{address}' bukan alamat email, dan bukan orang di obrolan, misalnya whatsapp:+628112233",
    ),
    "not_merged": ("{ticket} is not merged into any other", "{ticket} tidak digabungkan ke tiket lain"),
    "no_claim": (
        "{ticket} claims to be about no other ticket",
        "{ticket} tidak mengaku tentang tiket lain",
    ),
    "no_ticket": ("there is no ticket {ticket}", "tidak ada tiket {ticket}"),
    "no_message": ("message {message} is not on {ticket}", "pesan {message} tidak ada di {ticket}"),
    "no_message_chosen": ("choose the messages first", "pilih dulu pesannya"),
    "no_messages": ("not on {ticket}: message {messages}", "tidak ada di {ticket}: pesan {messages}"),
    "same_ticket": ("{ticket} is the same ticket on both sides", "{ticket} adalah tiket yang sama"),
    "merged_already": (
        "{ticket} is merged into {into} already: unmerge it first",
        "{ticket} sudah digabungkan ke {into}: batalkan dahulu penggabungannya",
    ),
    "target_merged": (
        "{ticket} is itself merged into {into}: name that one",
        "{ticket} sendiri digabungkan ke {into}: sebutkan tiket itu",
    ),
    "unmerge_target_first": (
        "{ticket} is itself merged into {into}: unmerge {ticket} first",
        "{ticket} sendiri digabungkan ke {into}: batalkan dahulu penggabungan {ticket}",
    ),
    "held": (
        "{ticket} is held for {other}, unconfirmed: accept or reject it first",
        "{ticket} ditahan untuk {other}, belum terkonfirmasi: terima atau tolak dahulu",
    ),
    "no_message_left": (
        "no customer's message would be left on {ticket}: merge what belongs together instead",
        "tidak ada pesan pelanggan yang tersisa di {ticket}: gabungkan saja yang termasuk bersama",
    ),
    "nothing_to_unmerge": (
        "no customer's message that {ticket} brought is left on {other}: move one back first",
        "tidak ada pesan pelanggan dari {ticket} yang tersisa di {other}: kembalikan satu pesan dahulu",
    ),
    "message_of_another": (
        "message {message} is of {customer}, {danger}",
        "pesan {message} milik {customer}, {danger}",
    ),
    "ticket_of_another": ("{ticket} is of {customer}, {danger}", "{ticket} milik {customer}, {danger}"),
    "other_customer": (
        "who takes no part in {ticket} of {customer}: agents would read both as one matter, and every answer "
        "goes to {customer}, so that the words of one customer can reach another. Nothing was changed. "
        "If it truly is one matter: --other-customer.",
        "yang bukan peserta {ticket} milik {customer}: agen akan membaca keduanya sebagai satu urusan, dan "
        "setiap jawaban dikirim kepada {customer}, sehingga kata-kata satu pelanggan dapat sampai kepada "
        "yang lain. Tidak ada yang diubah. Bila memang satu urusan: --other-customer.",
    ),
    "split_merged": (
        "{ticket} is merged: nothing can be split off it",
        "{ticket} digabungkan: tidak ada yang dapat dipisahkan darinya",
    ),
    "split_held": (
        "{ticket} is held: nothing can be split off it",
        "{ticket} ditahan: tidak ada yang dapat dipisahkan darinya",
    ),
    "no_customer_message": (
        "none of these messages is a customer's: there would be nobody to answer",
        "tidak satu pun pesan ini dari pelanggan: tidak ada yang dapat dijawab",
    ),
    "several_senders": (
        "these messages are of different senders: split them one by one",
        "pesan-pesan ini dari pengirim yang berbeda: pisahkan satu per satu",
    ),
    "compensation_merged": (
        "{ticket} was merged into {into}: name that one",
        "{ticket} digabungkan ke {into}: sebutkan tiket itu",
    ),
    "not_rupiah": (
        "{amount}: compensation is granted in Rupiah, by limits in Rupiah",
        "{amount}: kompensasi diberikan dalam Rupiah, menurut batas dalam Rupiah",
    ),
    "no_amount": (
        "{amount} can't be granted: whole Rupiah, more than nothing",
        "{amount} tidak dapat diberikan: harus Rupiah bulat, lebih dari nol",
    ),
    "no_open_request": (
        "no request for compensation is open on {ticket}",
        "tidak ada permintaan kompensasi yang terbuka pada {ticket}",
    ),
    "which_request": (
        "several requests are open on {ticket}, say which: {requests}",
        "ada beberapa permintaan terbuka pada {ticket}, sebutkan yang mana: {requests}",
    ),
    "request_not_open": (
        "request {request} is not open on {ticket}, open are: {requests}",
        "permintaan {request} tidak terbuka pada {ticket}, yang terbuka: {requests}",
    ),
    "approve_needs_agent": (
        "only an agent has authority to approve: say in whose name",
        "hanya agen yang berwenang menyetujui: sebutkan atas nama siapa",
    ),
    "refuse_needs_agent": (
        "only an agent has authority to refuse: say in whose name",
        "hanya agen yang berwenang menolak: sebutkan atas nama siapa",
    ),
    "level_may": ("{level} may: {agents}", "{level} boleh: {agents}"),
    "nobody_else_may": ("nobody else may, either", "orang lain pun tidak boleh"),
    "signed_already": (
        "{agent} has signed request {request} already: it needs another person",
        "{agent} sudah menyetujui permintaan {request}: perlu orang lain",
    ),
    "no_moment": (
        "{words} is no time: write it like tomorrow 10:00, Friday, 3 hours, 30 Nov or 2026-11-30",
        "{words} bukan waktu: tulis seperti besok 10.00, Jumat, 3 jam, 30 Nov, atau 2026-11-30",
    ),
    "moment_past": ("{words} is past", "{words} sudah lewat"),
    "moment_too_far": ("a time within {days} days is needed", "waktunya paling jauh {days} hari lagi"),
    "no_arguments": (
        "nothing is expected after it, there is: {words}",
        "tidak ada isian untuknya, tertulis: {words}",
    ),
    "several_agents": (
        "{agent} fits several agents: {agents}; write the address",
        "{agent} cocok dengan beberapa petugas: {agents}; tulis alamatnya",
    ),
    "no_agent_near": ("no agent is {agent}. Near: {near}", "tidak ada petugas {agent}. Mirip: {near}"),
    "no_team_near": ("no team is {team}. Near: {near}", "tidak ada tim {team}. Mirip: {near}"),
    "team_has_it": ("{ticket} is with {team} already", "{ticket} sudah ada pada {team}"),
    "wait_needs_end": (
        "a wait for a third party needs an end: wait third party Friday",
        "menunggu pihak ketiga perlu batas waktu: tunggu pihak ketiga Jumat",
    ),
    "wait_for_whom": (
        "{words}: wait for the customer, or for a third party until a time",
        "{words}: tunggu pelanggan, atau tunggu pihak ketiga sampai suatu waktu",
    ),
    "no_priority": (
        "no priority is {priority}. There are: {known}",
        "tidak ada prioritas {priority}. Yang ada: {known}",
    ),
    "no_category": (
        "no category is {category}. Near: {near}",
        "tidak ada kategori {category}. Mirip: {near}",
    ),
    "set_already": ("{ticket} has that already: {value}", "{ticket} sudah demikian: {value}"),
    "no_tags": ("tags are written like +promised -spam", "tanda ditulis seperti +janji -spam"),
    "own_tag": ("the tag {tag} is set by mailbot alone", "tanda {tag} hanya dipasang oleh mailbot"),
    "amount_unclear": (
        "{words} begins with no amount: write it like Rp50.000 late delivery",
        "{words} tidak diawali jumlah: tulis seperti Rp50.000 terlambat dikirim",
    ),
    "compensation_needs_why": (
        "write the reason on the line of the amount: what stands below goes to the customer",
        "tulis alasannya di baris jumlahnya: yang di bawahnya dikirim ke pelanggan",
    ),
    "decision_needs_verb": (
        "it answers a question to colleagues, so nothing of it goes to the customer: begin with #decide and an option, "
        "for money with #approve or #refuse",
        "ini jawaban atas pertanyaan untuk rekan kerja, jadi tidak dikirim ke pelanggan: mulailah dengan #putuskan dan "
        "pilihannya, untuk kompensasi dengan #setuju atau #tolak",
    ),
    "answers_colleagues": (
        "it answers a question to colleagues, so its text can't go to the customer: reply to a notice of the ticket",
        "ini jawaban atas pertanyaan untuk rekan kerja, jadi teksnya tidak dapat dikirim ke pelanggan: balas "
        "pemberitahuan tiketnya",
    ),
    "decide_needs_option": ("name one of the options", "sebutkan salah satu pilihannya"),
    "macro_needs_name": (
        "name the macro; these fit the ticket: {names}",
        "sebutkan nama makronya; yang cocok untuk tiket ini: {names}",
    ),
    "macro_arguments": (
        'values are written like amount="Rp 50.000", not {words}',
        'nilai ditulis seperti amount="Rp 50.000", bukan {words}',
    ),
    "too_many_verbs": (
        "at most {most} commands in one mail",
        "paling banyak {most} perintah dalam satu email",
    ),
    "tap_unknown": ("this link is not known", "tautan ini tidak dikenal"),
    "tap_foreign": (
        "this link was not given to you: use a notice of your own",
        "tautan ini bukan untuk Anda: pakai pemberitahuan Anda sendiri",
    ),
    "tap_used": ("this link was used already: it is done", "tautan ini sudah dipakai: sudah dijalankan"),
    "tap_expired": (
        "this link is older than {days} days: use a newer notice or write the command",
        "tautan ini lebih lama dari {days} hari: pakai pemberitahuan yang lebih baru atau tulis perintahnya",
    ),
    "tap_changed": (
        "the question has other options by now",
        "pertanyaannya kini mempunyai pilihan lain",
    ),
    # Receipts
    "receipt_turn": ("the turn is {turn}", "giliran {turn}"),
    "receipt_status": ("the ticket is {status}", "tiket {status}"),
    "mail_kind": ("{kind}", "{kind}"),
    "did_note": ("kept as a note for the team", "disimpan sebagai catatan untuk tim"),
    "did_take": ("the ticket is yours", "tiket ini milik Anda"),
    "did_assign": ("assigned to {agent}", "ditugaskan kepada {agent}"),
    "did_hand_over": ("handed over to {team}", "dialihkan ke {team}"),
    "did_escalate": ("raised to {level}", "naik ke {level}"),
    "did_work_on": ("the turn stays ours", "giliran tetap kami"),
    "did_promise": ("news promised to the customer by", "kabar dijanjikan kepada pelanggan paling lambat"),
    "did_wait": ("the turn is {turn}", "giliran {turn}"),
    "did_wait_until": ("the turn is {turn} until", "giliran {turn} sampai"),
    "did_snooze": ("left out of worklists until", "tidak tampil di daftar kerja sampai"),
    "did_wake": ("back in the worklists", "tampil lagi di daftar kerja"),
    "did_close": ("closed", "ditutup"),
    "did_cause": ("cause: {cause}", "penyebab: {cause}"),
    "did_close_cause": ("closed, cause: {cause}", "ditutup, penyebab: {cause}"),
    "did_reopen": ("reopened", "dibuka lagi"),
    "did_priority": ("priority: {priority}", "prioritas: {priority}"),
    "did_category": ("category: {category}", "kategori: {category}"),
    "did_tag": ("tags: {tags}", "tanda: {tags}"),
    "did_decide": ("decided: {option}", "diputuskan: {option}"),
    "did_resolve": (
        "the incident is over: each of its customers gets the text once, within minutes",
        "gangguan selesai: setiap pelapornya mendapat teks itu sekali, dalam beberapa menit",
    ),
    "did_detach": ("it is no complaint of an incident any more", "bukan bagian dari gangguan lagi"),
    "did_macro": ("the text of the macro {macro} is in the answer", "teks makro {macro} ada dalam jawaban"),
    "did_add": ("takes part from now on: {addresses}", "ikut serta mulai sekarang: {addresses}"),
    "did_remove": ("takes no part any more: {addresses}", "tidak ikut serta lagi: {addresses}"),
    "did_set_customer": ("the customer is {customer}", "pelanggannya {customer}"),
    "did_link": (
        "{address} is the same person as {customer}",
        "{address} orang yang sama dengan {customer}",
    ),
    "has_tickets": (
        "that person also has {tickets}: `mailbot ticket merge` joins it to {ticket}",
        "orang itu juga punya {tickets}: `mailbot ticket merge` menggabungkannya ke {ticket}",
    ),
    "did_unlink": (
        "{address} is another person than {customer}",
        "{address} orang lain, bukan {customer}",
    ),
    "did_via": ("answers go to {address}", "jawaban dikirim ke {address}"),
    "did_accept": (
        "accepted: it goes to the ticket that it names, and its sender takes part there",
        "diterima: email ini masuk ke tiket yang disebutnya, dan pengirimnya menjadi peserta di sana",
    ),
    "did_reject": (
        "rejected: it is a matter of its own, and its clocks run",
        "ditolak: email ini menjadi tiket tersendiri, dan waktunya berjalan",
    ),
    "did_compensate": ("compensation of {amount}: {outcome}", "kompensasi {amount}: {outcome}"),
    "did_judge": ("the request for compensation: {outcome}", "permintaan kompensasi: {outcome}"),
    "did_merge": ("{ticket} is part of {into} now", "{ticket} sekarang bagian dari {into}"),
    "did_unmerge": ("{ticket} is a ticket of its own again", "{ticket} menjadi tiket tersendiri lagi"),
    "did_split": ("split off as ticket {ticket}", "dipisahkan menjadi tiket {ticket}"),
    "did_move": ("the message is on ticket {ticket} now", "pesan itu sekarang ada di tiket {ticket}"),
    "did": ("done: {command}", "dijalankan: {command}"),
    "no_verb": ("no command is #{verb}. Near: {near}", "tidak ada perintah #{verb}. Mirip: {near}"),
    "verb_stands_alone": ("#{verb} stands alone in its mail", "#{verb} harus sendirian dalam emailnya"),
    "verb_refused": ("#{verb}: {reason}", "#{verb}: {reason}"),
    "note_and_answer": (
        "a note and an answer need a mail each",
        "catatan dan jawaban masing-masing perlu satu email",
    ),
    "note_is_empty": ("the note is empty", "catatannya kosong"),
    "one_compensation": (
        "one command about compensation at a time",
        "satu perintah tentang kompensasi setiap kali",
    ),
    "not_here": ("{command} can't be carried out here", "{command} tidak dapat dilakukan di sini"),
    "nothing_to_undo": (
        "on {ticket} nothing of yours can be taken back",
        "pada {ticket} tidak ada tindakan Anda yang dapat dibatalkan",
    ),
    "no_undo": (
        "mail to customers leaves at once here: nothing can be taken back (`undo` of the mailbox)",
        "email kepada pelanggan di sini langsung terkirim: tidak ada yang dapat dibatalkan (`undo` pada mailbox)",
    ),
    "act_left": (
        "the mail to {to} has left at {at}: write to the customer instead",
        "email kepada {to} sudah terkirim pukul {at}: tulislah lagi kepada pelanggan",
    ),
    "undo_too_late": (
        "it could be taken back until {until}",
        "tindakan itu hanya dapat dibatalkan sampai {until}",
    ),
    "money_not_undone": (
        "a request for money is never taken back like this: #refuse {request} why",
        "permintaan uang tidak dibatalkan dengan cara ini: #tolak {request} alasan",
    ),
    "colleague_answered": (
        "{agent} answered the customer at {at}",
        "{agent} sudah menjawab pelanggan pukul {at}",
    ),
    "ticket_lost": (
        "the ticket is not yours any more: {agent} has had it since {at}",
        "tiket ini bukan milik Anda lagi: sejak {at} ada pada {agent}",
    ),
    "ticket_lost_to_team": (
        "the ticket is not yours any more: team {team}, level {level} has had it since {at}",
        "tiket ini bukan milik Anda lagi: sejak {at} ada pada tim {team}, tingkat {level}",
    ),
    "answer_held": (
        "{reason}. --anyway sends yours as well",
        "{reason}. --anyway tetap mengirim jawaban Anda",
    ),
    "nothing_held": (
        "on {ticket} nothing of yours is held that could be sent",
        "pada {ticket} tidak ada email Anda yang ditahan dan dapat dikirim",
    ),
    "no_legal_hold": (
        "there is no legal hold on {ticket}",
        "tidak ada legal hold pada {ticket}",
    ),
    "send_takes_no_text": (
        "#send sends what was held as it was written: leave out the text below it",
        "#kirim mengirim yang ditahan apa adanya: hapus teks di bawahnya",
    ),
    "undo_needs_agent": ("name the agent: --as ADDRESS", "sebutkan petugasnya: --as ALAMAT"),
    "did_undo": (
        "what you did last is taken back: the ticket is as before",
        "tindakan terakhir Anda dibatalkan: tiket kembali seperti semula",
    ),
    "did_undo_mail": (
        "what you did last is taken back: the ticket is as before, and nothing goes to {to}",
        "tindakan terakhir Anda dibatalkan: tiket kembali seperti semula, dan tidak ada email kepada {to}",
    ),
    "money_stays": (
        "the request {request} for money stays: #refuse {request} why",
        "permintaan uang {request} tetap berlaku: #tolak {request} alasan",
    ),
    "withdrawn": ("{actor} took it back before it left", "{actor} menariknya sebelum terkirim"),
    "send_now": (
        "{reason}. Your answer is still held: #send sends it",
        "{reason}. Jawaban Anda masih ditahan: #kirim mengirimnya",
    ),
    "mentioned": ("{agent} mentions you in a note", "{agent} menyebut Anda dalam catatan"),
    "act_undone": ("{actor} took it back", "{actor} membatalkannya"),
    # Turn and promises
    "answer_asks": ("the answer asks: {words}", "jawaban bertanya: {words}"),
    "answer_asks_detail": (
        "the answer asks for a missing detail: {detail}",
        "jawaban meminta data yang belum ada: {detail}",
    ),
    "answer_asks_nothing": ("the answer asks nothing", "jawaban tidak meminta apa pun"),
    "mailbox_waits": (
        "in this mailbox each answer gives the turn to the customer",
        "di kotak surat ini setiap jawaban memberi giliran kepada pelanggan",
    ),
    "mailbox_goes_on": (
        "in this mailbox the turn stays ours after an answer",
        "di kotak surat ini giliran tetap pada kita setelah menjawab",
    ),
    "wait_over": ("the wait is over: it was {turn} turn", "waktu menunggu habis: tadi giliran {turn}"),
    "escalated_by": ("{actor} escalated it", "{actor} menaikkan jenjangnya"),
    "works_on": ("{actor} works on it", "{actor} mengerjakannya"),
    "news_promised": ("an agent promised news", "petugas menjanjikan kabar"),
    "silent_for_long": (
        "the customer did not answer for a long time",
        "pelanggan lama tidak menjawab",
    ),
    "promise_passed": (
        "the time by which the customer was promised news has passed",
        "waktu kabar yang dijanjikan kepada pelanggan sudah lewat",
    ),
    "held_first": (
        "{ticket} is held: accept or reject it first",
        "{ticket} ditahan: terima atau tolak dulu",
    ),
    "not_closed": ("{ticket} is not closed: {status}", "{ticket} tidak ditutup: {status}"),
    "not_snoozed": ("{ticket} is not snoozed", "{ticket} tidak sedang ditunda"),
    "snooze_beyond_promise": (
        "the customer was promised an answer by {at}: snooze it at most until then, or promise news first "
        "(#working until TIME)",
        "pelanggan dijanjikan jawaban paling lambat {at}: tunda paling lama sampai saat itu, atau janjikan kabar dulu "
        "(#proses sampai WAKTU)",
    ),
    "day_title": ("Today: {parts}", "Hari ini: {parts}"),
    "day_late": ("Late", "Terlambat"),
    "day_promised": ("Promised today", "Dijanjikan hari ini"),
    "day_decide": ("To be decided by you", "Menunggu keputusan Anda"),
    "day_wait": ("A wait ends today", "Masa tunggu berakhir hari ini"),
    "day_back": ("Snoozed until today", "Ditunda sampai hari ini"),
    "day_late_count": ("{count} late", "{count} terlambat"),
    "day_promised_count": ("{count} promised", "{count} dijanjikan"),
    "day_decide_count": ("{count} to decide", "{count} perlu keputusan"),
    "day_wait_count": ("{count} waiting until today", "{count} masa tunggu berakhir"),
    "day_back_count": ("{count} snoozed until today", "{count} kembali"),
    "day_approve": ("approve or refuse {amount}", "setujui atau tolak {amount}"),
    "away_until": ("{agent} is away until {until}", "{agent} tidak masuk sampai {until}"),
    "handed_to_you": (
        "{count} tickets are yours now, because colleagues are away",
        "{count} tiket sekarang milik Anda, karena rekan Anda tidak masuk",
    ),
    "snooze_ended": ("it was snoozed until now", "tiket ini ditunda sampai sekarang"),
    "no_macro_near": (
        "there is no macro {macro}; similar: {near}",
        "tidak ada makro {macro}; yang mirip: {near}",
    ),
    "no_macros": (
        "there is no macro {macro}: this installation has none",
        "tidak ada makro {macro}: instalasi ini belum punya makro",
    ),
    "no_macro_argument": (
        "the macro {macro} does not use {argument}; it knows: {known}",
        "makro {macro} tidak memakai {argument}; yang dikenal: {known}",
    ),
    "no_macro_arguments": (
        "the macro {macro} takes no arguments, and {argument} is none of its",
        "makro {macro} tidak memakai nilai apa pun, juga bukan {argument}",
    ),
    "macro_needs": (
        "the macro {macro} needs: {missing}. Write #macro {macro} {example}",
        "makro {macro} memerlukan: {missing}. Tulis #makro {macro} {example}",
    ),
    "macro_needs_promise": (
        "the macro {macro} names a time, and nothing is promised: add #working until TIME",
        "makro {macro} menyebut waktu, padahal belum ada janji: tambahkan #proses sampai WAKTU",
    ),
    "macro_failed": (
        "the macro {macro} can't be rendered: {error}",
        "makro {macro} tidak dapat dibuat: {error}",
    ),
}
