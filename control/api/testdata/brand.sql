-- name: images
SELECT hash FROM image
