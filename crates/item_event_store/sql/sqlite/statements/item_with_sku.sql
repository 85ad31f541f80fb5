-- ?1: the sku.
SELECT id FROM items WHERE sku = ?1
