/** Another extension, which asks the models that the editor knows: as the editor's own chat does. */
const vscode = require('vscode');

exports.activate = ({ subscriptions }) => {
  subscriptions.push(vscode.commands.registerCommand('asking.ask', ask));
};

async function ask() {
  try {
    const models = await vscode.lm.selectChatModels({ vendor: 'cloze' });
    const names = models.map(({ name, maxInputTokens }) => `${name} (${maxInputTokens})`).join(', ');
    const question = [vscode.LanguageModelChatMessage.User('Hello from elsewhere')];
    const answer = await models[0].sendRequest(question, {}, new vscode.CancellationTokenSource().token);
    let said = '';
    for await (const text of answer.text) said += text;
    void vscode.window.showInformationMessage(`Asked ${names}. ${said}.`);
  } catch (error) {
    void vscode.window.showErrorMessage(`Asking failed: ${error.stack}`);
  }
}
