"""English. Each sentence says what to do; an error never blames and never shows what went wrong inside."""

from __future__ import annotations

from bot.texts.en_errors import ERRORS

SENTENCES: dict[str, str] = {
    # --- workers
    "welcome": (
        "Welcome to {workspace}! You get one question at a time; tap the answer that fits. Skip what you cannot "
        "judge, undo what you mistapped.\n\nWhat is kept: your name here, your answers and when you gave them. "
        "Coordinators of {workspace} see them; exports show a random pseudonym instead of your name."
    ),
    "welcome_coordinator": (
        "Welcome to {workspace}! You are {role} here. Send me a CSV or JSON Lines file to post a labeling job, "
        "or /help to see what I can do."
    ),
    "welcome_back": "You are already a member of {workspace}, as {role}.",
    "button_start": "Start",
    "button_next": "Next item",
    "button_skip": "Skip",
    "button_undo": "Undo “{label}”",
    "button_undo_skip": "Undo skip",
    "card_progress": "{answered} answered by you · {done} of {total} items done",
    "answered": "✓ {label}",
    "answered_surplus": "✓ {label}, kept although the item was already complete",
    "skipped": "Skipped",
    "undone": "Taken back: please answer again",
    "nothing_left": "Nothing left for you right now. You will get a message when there is more to do. Thank you!",
    "no_projects": "There is no open job right now. You will get a message as soon as there is one.",
    "paused": "Paused. You get no messages until you send /resume.",
    "resumed": "Welcome back. Tap Start or send /next for your next item.",
    "offer": "There is work in “{project}”: about {slots} answers are wanted.",
    "stats": (
        "You have answered {annotations} items in {projects} job(s), {today} of them today, and skipped {skips}."
    ),
    "stats_line": "{project}: {count}",
    "stats_none": "You have not answered anything yet. Send /next to begin.",
    "help_worker": (
        "/next – your next item\n/undo – take back your last answer\n/stats – what you have done\n/pause – no more "
        "messages\n/resume – go on\n/help – this list"
    ),
    "help_coordinator": (
        "Send a CSV or JSON Lines file to post a job, or with the caption “/post Question? | Label | Label”.\n"
        "/post – how to post a job\n"
        "/add JOB text – one more item; as the caption of a file: /add JOB\n"
        "/status – progress of your jobs and of the queues\n"
        "/settle – decide what the crowd disputes\n"
        "/export – labels as a file (also: /export annotations jsonl)\n"
        "/train – train the model now\n"
        "/invite worker 20 – a link for 20 workers\n"
        "/close – close a job, /open – open it again"
    ),
    "say_hint": "Send /next for your next item, or /help to see what I can do.",
    # --- posting
    "post_how": (
        "Send me a file with one item per row: CSV (with a header) or JSON Lines. I will show you what I found before "
        "anything is posted."
    ),
    "form_file": "{name}",
    "form_target": (
        "{rows} rows. I will show workers the column “{text}”. Columns: {columns}.{gold}{bad}\n\nIs this a new job?"
    ),
    "form_gold": " Known labels are in “{gold}”.",
    "form_bad": "\n\n{count} bad row(s) will be left out:\n{lines}",
    "form_columns": (
        "{rows} rows with the columns {columns}.{bad}\n\nWhich column holds the text that people are to judge?"
    ),
    "form_question": "What is the question? Send it as a message, for example: What is the sentiment of this tweet?",
    "form_labels": (
        "“{question}”\n\nWhich labels may people choose? Send them in one message, one per line or separated by |."
    ),
    "form_confirm": (
        "{items} items, labels: {labels}.\n\nEach item gets at least {minimum} and at most {maximum} answers; asking "
        "stops as soon as they agree. To change that, send for example: 3-8\n\nAbove is the first item as a worker "
        "sees it. Post it?"
    ),
    "button_new": "New job",
    "button_add": "Add to “{name}”",
    "button_post": "Post",
    "button_back": "Back",
    "button_cancel": "Cancel",
    "post_cancelled": "Cancelled. Nothing was posted.",
    "posted": "Posted “{name}”. I am loading {rows} rows and tell you when workers can see them. Job id: {project}",
    "appended": "Adding {rows} rows to “{name}”. I tell you when workers can see them.",
    "added": "Added to “{project}”. It is asked after what is there.",
    "import_done": (
        "“{project}”: {items} items are open for labeling. Left out: {duplicates} duplicate(s), "
        "{bad} bad row(s).{lines}"
    ),
    "import_failed": "“{project}”: nothing was posted. {reason}{lines}",
    "bad_row_line": "line {line}: {problem}",
    "duplicates_named": "\nFirst duplicates, by line: {lines}",
    # --- coordinators
    "status_none": "No jobs yet. Send me a CSV or JSON Lines file to post the first one.",
    "status_project": (
        "{name} · {state}\n{decided} of {items} items decided ({share}), {open} open, {disputed} disputed\n"
        "{annotations} answers by {workers} people, {per_item} per item, at most {most} of {maximum}\n"
        "Leased now: {leases}; answers still wanted: {slots}; queued jobs: {expiry} expiry, {offers} offer"
        "{loading}\n{model}\nid {id}"
    ),
    "status_loading": "\n{count} file(s) still loading",
    "status_model": "Model v{version}, {accuracy} right on the holdout",
    "status_model_held": "No model in use: v{version} was not better than guessing",
    "status_no_model": "No model yet; trained after {threshold} decided items, or by /train",
    "status_no_model_off": "No model yet; trained by /train",
    "status_training": "A training run is {state}.",
    "status_queues": "Queues: {lines}",
    "status_queue": "{queue} {counts}",
    "status_count": "{count} {state}",
    "status_quiet": "nothing waits",
    "status_redis_away": "Queues: Redis does not answer right now; nothing is lost, work goes on when it is back.",
    "export_started": "I am writing {kind} of “{project}” as {format}; the file comes in a moment.",
    "export_ready": "“{project}”: {rows} rows of {kind}.",
    "export_kind_labels": "agreed labels",
    "export_kind_annotations": "annotations",
    "train_started": "Training of “{project}” is on its way. I tell you what comes of it.",
    "train_running": "A training run of “{project}” is already on its way.",
    "training_done": "“{project}”: model v{version} is right on {accuracy} of the holdout{compared}. {verdict}",
    "training_compared": " (the one in use: {champion})",
    "training_promoted": "It is in use now and orders what is asked next.",
    "training_held": "It is not better, so it is not used.",
    "training_failed": "“{project}”: training did not work out. {reason}",
    "settle_heading": "{question}",
    "settle_tallies": "People said: {tallies}",
    "settle_left": "{count} disputed",
    "settled": "✓ {label}",
    "settle_none": "Nothing is disputed. Well done, crowd.",
    "button_later": "Later",
    "invite": (
        "For {uses} {role}(s), valid for a week:\n{link}\n\n"
        "In Slack: /lightwork join {code}\nIn Telegram: /start {code}"
    ),
    "closed": (
        "“{project}” is closed, with {open} open and {disputed} disputed items. /export still works, and /open {id} "
        "opens it again."
    ),
    "opened": "“{project}” is open. Items are handed out.",
    # --- whatever happens
    **ERRORS,
}
