// A Socket.IO server as its documentation has it, with its defaults. Clients join rooms; what one of them publishes
// goes to a room. Prints "ready HOST:PORT".
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const server = createServer();
const io = new Server(server);

io.on('connection', (socket) => {
  socket.on('join', (rooms, done) => {
    socket.join(rooms);
    done();
  });
  socket.on('publish', (queue, event, room, payload, done) => {
    io.to(room ? `${queue}/room/${room}` : `${queue}/${event}`).emit('message', payload);
    done?.();
  });
  // Answered after all that the same client published before.
  socket.on('flush', (done) => done());
});

process.on('SIGTERM', () => process.exit(0));
server.listen(0, '127.0.0.1', () => console.log(`ready 127.0.0.1:${server.address().port}`));
