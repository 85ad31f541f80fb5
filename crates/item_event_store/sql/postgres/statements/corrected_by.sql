-- $1: the ledger. $2: the positions of events that may have been corrected.
SELECT corrects_event_id, sum(quantity_change)::bigint FROM item_event_store
WHERE ledger_id = $1 AND corrects_event_id = ANY ($2::bigint[]) GROUP BY corrects_event_id
