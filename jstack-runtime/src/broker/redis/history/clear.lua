-- Forgets the entries of a channel. Its end stays, so that readers learn of the gap.
call('DEL', log)
return {epoch, top}
