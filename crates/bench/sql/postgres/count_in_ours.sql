-- The count of an item in ItemEventStore's own table. $1: the item.
SELECT quantity FROM item_inventory WHERE ledger_id = 'main' AND item_id = $1
