"""English: one sentence for each error code, saying what to do."""

from __future__ import annotations

ERRORS: dict[str, str] = {
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
    "bad_export": "I can export labels or annotations, as csv or jsonl. For example: /export annotations jsonl",
    "bad_invite": "Say who and how many, for example: /invite worker 20",
    "no_dialogue": "That form is closed. Send the file again to start over.",
    "upload_gone": "That file is not here any more. Please send it again.",
}
