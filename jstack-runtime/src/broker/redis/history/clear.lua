-- Forgets the entries of a channel. Its end stays, so that readers learn of the gap.
redis.call('DEL', log)
return {epoch, top}
