"""English: one sentence for each error code, saying what to do."""

from __future__ import annotations

FILES: dict[str, str] = {
    # whole files
    "empty_file": "That file is empty. Send a CSV or JSON Lines file with one item per row.",
    "not_text": "That is not a text file. Save it as CSV (UTF-8) and send it again.",
    "no_rows": "That file has a header and no rows below it. Send one with one item per row.",
    "no_text_column": "I found no column with text to label. The columns are: {columns}.",
    "column_missing": "There is no column “{column}”. The columns are: {columns}.",
    "json_array": "That is one JSON array. Send JSON Lines: one object per line, no brackets or commas around them.",
    "bad_header": "The first line cannot be read: {problem} Correct the header and send the file again.",
    "too_many_columns": "That file has {count} columns; at most {limit} can be read. Remove those you do not need.",
    "no_good_row": "No row of that file can be used. The first problem is on line {line}: {problem}",
    "too_many_bad_rows": "{bad} of {rows} rows cannot be used, so nothing was posted. Correct them and send it again.",
    "upload_missing": "The file itself is gone. Please send it again.",
    "upload_unknown": "That file is not here any more. Please send it again.",
    "duplicate_item": "This item is in the job already.",
    # single rows
    "empty_text": "the text is empty.",
    "wrong_column_count": "it has {found} columns where the header has {expected}.",
    "invalid_json": "it is not valid JSON.",
    "not_an_object": "it is JSON but not an object (in curly brackets).",
    "line_too_long": "it is longer than {limit} characters.",
    "unclosed_quote": "a quotation mark is opened and never closed.",
    "bad_quotes": "its quotation marks do not match.",
    "undecodable": "it has bytes that are not text in the file's encoding.",
    "nul_byte": "it has a NUL byte, which no text has.",
    "id_too_long": "the id is longer than {limit} characters.",
    "unknown_gold_label": "“{label}” is not one of the labels.",
    "duplicate": "its text is there already.",
    # exports
    "unknown_export": "I cannot export “{kind}”. I can export: {kinds}.",
    "unknown_format": "I do not know the format “{format}”. I know: {formats}.",
}

LABELS: dict[str, str] = {
    "too_few_labels": "{count} label(s) are too few: give at least {limit}, one per line or separated by |.",
    "too_many_labels": "{count} labels are too many: at most {limit} fit. Group them, and ask in two steps.",
    "empty_label": "Label number {number} is empty. Give each label a name.",
    "label_too_long": "The label “{label}…” has {length} characters; at most {limit} fit. Please shorten it.",
    "duplicate_label": "The label “{label}” is there twice. Give each label a name of its own.",
    "duplicate_label_id": "Two labels have the same id. Please post the job again.",
    "unknown_label_kind": "I do not know labels of the kind “{kind}”.",
}

TRAINING: dict[str, str] = {
    "training_too_few_labels": (
        "There are {have} decided items; training takes at least {needed}. It starts by itself when there are enough."
    ),
    "training_too_few_classes": "All decided items have the same label; training takes at least {needed} labels.",
    "training_no_holdout": "There are too few decided items to check a model on ({have}). Training waits for more.",
    "training_out_of_memory": "The model did not fit into the memory of the {device}. Set a smaller base model.",
    "training_gave_up": "Training stopped {attempts} times without an end. See the trainer's log, then send /train.",
    "schema_not_trainable": "Jobs of the kind “{kind}” cannot be trained yet; their labels are safe.",
    "artifact_missing": "The files of model {artifact} are gone. Send /train to make a new one.",
    "model_replaced": "A newer model has taken over.",
}

WEB: dict[str, str] = {
    "web_bad_field": "“{field}” is missing or too long (at most {limit}). See docs/web-chat.md.",
    "web_bad_json": "The request is not a JSON object. See docs/web-chat.md.",
    "web_bad_upload": "The upload broke off. Please send the file again.",
    "web_body_too_large": "That is too long: at most {limit_kb} KB fit into a request.",
    "web_content_type": "The request must be of type {expected}.",
    "web_failed": "Something went wrong on our side. Nothing was lost; please try again in a moment.",
    "web_file_gone": "That file is not here any more. Ask for it again, for example with /export.",
    "web_host": "This server does not answer to the name {host}. Open it by the address that the bot printed.",
    "web_method": "This address does not take that kind of request. See docs/web-chat.md.",
    "web_bad_request": "The request was not understood. Reload the page and try again.",
    "web_no_file": "There is no file in the upload. Choose one and send it again.",
    "web_no_session": "You are not signed in here. Open your invite link.",
    "web_not_found": "There is nothing at this address.",
    "web_one_file": "Send one file at a time.",
    "web_origin": "Requests from {origin} are not taken. Open the chat by the address that the bot printed.",
    "web_text_empty": "The message is empty.",
    "web_text_too_long": "The message is too long: at most {limit} characters. Send the rest as a file.",
    "web_upload_too_large": "That file is too large: at most {limit_mb} MB. Split it and send the parts.",
}

ERRORS: dict[str, str] = {
    "settings": "{message}",
    "unexpected": "Something went wrong on our side. Nothing was lost; please try again in a moment.",
    "overloaded": "It is very busy right now. Nothing was lost; please try again in a moment.",
    "invalid_input": "That cannot be used as it is. Please check it and send it again.",
    "refused": "You may not do that here.",
    "not_found": "That does not exist here.",
    "conflict": "That has already been decided.",
    # enrolment
    "not_enrolled": (
        "You are not a member yet. Open the invite link that your coordinator gave you, or send /start CODE."
    ),
    "code_missing": "Send /start followed by your invite code, for example: /start abcd2345efgh6723",
    "invite_unknown": "This invite code does not exist. Check it, or ask your coordinator for a new link.",
    "invite_expired": "This invite has expired. Ask your coordinator for a new link.",
    "invite_used": "This invite has been used up. Ask your coordinator for a new link.",
    "too_many_codes": "Too many wrong codes. Please wait an hour, or ask your coordinator for a new link.",
    "unknown_role": "There is no role “{role}”. Roles are: {roles}.",
    "invite_limit": "An invite is for 1 to {limit} people. For example: /invite worker 20",
    "needs_role": "Only a {role} can do that here. Ask the owner of this workspace if you should be one.",
    "membership_paused": "You are paused. Send /resume to go on.",
    # answering
    "unknown_command": "I do not know /{command}. Send /help to see what I can do.",
    "unknown_button": "This button does not work any more. Send /next to go on.",
    "stale_button": "That button is from before; please use the newest message.",
    "not_your_assignment": "This item is not assigned to you. Send /next to get one of your own.",
    "already_submitted": "You have already answered this one.",
    "already_skipped": "You have already skipped this one.",
    "already_active": "This item is open in front of you.",
    "lease_over": "Time ran out for this item long ago, so the answer is not taken any more. Send /next to go on.",
    "nothing_to_undo": "There is nothing to undo.",
    "too_late_to_undo": "That answer is already in use and cannot be taken back.",
    "unknown_label": "That is not one of the labels of this job. Use the buttons of the newest message.",
    # projects
    "project_unknown": "There is no job with the id “{project}” here. /status lists them.",
    "item_unknown": "That item does not exist here.",
    "several_projects": "Which job? Add its id, for example: /{command} {example}. /status lists them.",
    "empty_question": "The question is empty. Send it as a message.",
    "question_too_long": "The question has {length} characters; at most {limit} fit. Please shorten it.",
    "bad_overlap": (
        "At least {minimum} and at most {maximum} answers per item does not work: both must lie between 1 and {limit}, "
        "the first not above the second. For example: 3-8"
    ),
    "already_settled": "Somebody has settled this item already.",
    "not_disputed": "This item is not disputed any more.",
    "add_how": "Send the job and the text of one more item, for example: /add abcd2345efgh6723 What a lovely day",
    "bad_export": "I can export labels or annotations, as csv or jsonl. For example: /export annotations jsonl",
    "bad_invite": "Say who and how many, for example: /invite worker 20",
    "no_dialogue": "That form is closed. Send the file again to start over.",
    "upload_gone": "That file is not here any more. Please send it again.",
    "overlap_unclear": "“{text}” is not clear. Send the least and the most answers per item, for example: 3-8",
    "bad_cron": "“{cron}” is not a cron string. Send five fields, for example: cron=0 3 * * * (each night at 3, UTC)",
    "unknown_option": (
        "I do not know the option {option}=. Options are overlap=, retrain=, cron=, lease= and error=. If it is a "
        "label, send the file without a caption, and the labels when I ask for them."
    ),
    "bad_option": "“{option}={value}” does not work. Give a whole number above 0, for example: {option}=200",
    **FILES,
    **LABELS,
    **TRAINING,
    **WEB,
}
