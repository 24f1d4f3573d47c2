test('the developer tools see the same in a test runner', () => import('./insights.js'));
