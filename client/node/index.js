'use strict';

const { Client, connect } = require('./lib/client.js');
const { NmqError } = require('./lib/errors.js');

module.exports = { Client, NmqError, connect };
